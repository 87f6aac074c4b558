/**
 * The windows of a lane, cut short at document ends. Stored as typed arrays: a lane may have
 * millions.
 */
import type { Tokens } from "../tokens.ts";

/** A window of a lane: first token, number of targets, and whether the state resets. */
export interface LaneWindow {
  readonly start: number;
  readonly length: number;
  readonly fresh: boolean;
}

/** The windows of a lane, by index. */
export interface LaneWindows {
  readonly count: number;
  at(index: number): LaneWindow;
}

/**
 * Windows of at most `time` tokens from `start` that cover `length` targets, each once. The last
 * token of a document's end is its last target, and the first input of the next document.
 */
export function laneWindows(
  tokens: Tokens,
  { start, length, time }: Record<"start" | "length" | "time", number>,
): LaneWindows {
  const { documents } = tokens;
  if (documents === undefined) return even({ start, length, time });
  const lengths: number[] = [];
  const starts: number[] = [];
  const fresh: boolean[] = [];
  let isFresh = true;
  for (let at = start; at < start + length;) {
    // The token before a document's start is the last target of the previous document.
    const to = Math.min(at + time, start + length, documents.after(at + 1) - 1);
    starts.push(at);
    lengths.push(to - at);
    fresh.push(isFresh);
    isFresh = documents.after(to) === to + 1;
    at = to;
  }
  const columns = {
    start: Float64Array.from(starts),
    length: Uint32Array.from(lengths),
    fresh: Uint8Array.from(fresh, Number),
  };
  return {
    count: starts.length,
    at: (i) => ({
      start: columns.start[i] as number,
      length: columns.length[i] as number,
      fresh: columns.fresh[i] === 1,
    }),
  };
}

function even({ start, length, time }: Record<"start" | "length" | "time", number>): LaneWindows {
  return {
    count: Math.ceil(length / time),
    at: (i) => ({
      start: start + i * time,
      length: Math.min(time, length - i * time),
      fresh: i === 0,
    }),
  };
}
