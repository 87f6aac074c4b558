/**
 * Where a lane's windows begin and end when documents cut them short. Kept as columns of numbers,
 * for a lane may have millions of them.
 */
import type { Tokens } from "../tokens.ts";

/** One window of a lane: its first token, how many are asked, and whether the state begins anew. */
export interface TextStretch {
  readonly start: number;
  readonly length: number;
  readonly fresh: boolean;
}

/** The windows of a lane, by number. */
export interface Stretches {
  readonly count: number;
  at(index: number): TextStretch;
}

/**
 * Windows of at most `time` tokens from `start`, until `length` tokens are asked, each once. The last
 * token of a document's end is the last that is asked of it and the first input of the next document:
 * the beginning that the next one's first token is asked behind.
 */
export function stretches(
  tokens: Tokens,
  { start, length, time }: Record<"start" | "length" | "time", number>,
): Stretches {
  const { documents } = tokens;
  if (documents === undefined) return even({ start, length, time });
  const lengths: number[] = [];
  const starts: number[] = [];
  const fresh: boolean[] = [];
  let isFresh = true;
  for (let at = start; at < start + length;) {
    // The token before a document's first is the last target of the one before.
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

function even({ start, length, time }: Record<"start" | "length" | "time", number>): Stretches {
  return {
    count: Math.ceil(length / time),
    at: (i) => ({
      start: start + i * time,
      length: Math.min(time, length - i * time),
      fresh: i === 0,
    }),
  };
}
