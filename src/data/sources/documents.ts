/**
 * Lanes that stop at document ends: a window that meets one is cut short and filled up with nothing
 * asked, and the lane's next window begins with a state of zero. So no state passes from a document
 * to the next, and no kernel needs to know of documents.
 */
import { IGNORE } from "../../base/ignore.ts";
import type { Batch, Source, SourceInput } from "../source.ts";
import { cut } from "./lanes.ts";

/** One window of a lane: its first token, how many are asked, and whether the state begins anew. */
export interface Stretch {
  readonly start: number;
  readonly length: number;
  readonly fresh: boolean;
}

/**
 * Windows of at most `time` tokens from `start`, until `length` tokens are asked. A document ends
 * with its `end`, whose last token is the last that is asked of it.
 */
export function stretches(
  tokens: Uint32Array,
  { start, length, time, end }: {
    start: number;
    length: number;
    time: number;
    end: Uint32Array;
  },
): Stretch[] {
  const all: Stretch[] = [];
  let fresh = true;
  for (let at = start; at < start + length;) {
    const most = Math.min(at + time, start + length);
    let to = at + 1;
    // The token at `to` is the last target so far: it may close a document.
    while (to < most && !endsAt(tokens, to, end)) to++;
    all.push({ start: at, length: to - at, fresh });
    // The input of the next window would be the end itself: the document behind it begins after.
    fresh = endsAt(tokens, to, end);
    at = fresh ? to + 1 : to;
  }
  return all;
}

/** Whether `end` lies in `tokens` so that its last token is at `last`. */
function endsAt(tokens: Uint32Array, last: number, end: Uint32Array): boolean {
  const first = last - end.length + 1;
  return first >= 0 && end.every((token, i) => tokens[first + i] === token);
}

/** `time` tokens of S x B lanes in each step; states begin anew behind each `end`. */
export function documentSource(
  { time, end }: { time: number; end: Uint32Array },
  input: SourceInput,
): Source {
  const { microBatches, windows, evalWindows } = input;
  const lanes = microBatches * windows;
  const lanesOf = (tokens: Uint32Array, part: string): Stretch[][] => {
    const { length } = cut(tokens, { lanes, time, part });
    return Array.from(
      { length: lanes },
      (_, lane) => stretches(tokens, { start: lane * length, length, time, end }),
    );
  };
  const train = lanesOf(input.train, "training");
  const validation = lanesOf(input.validation, "validation");
  // Each lane goes round by itself: documents make some shorter in windows than others.
  const at = (all: Stretch[][], lane: number, step: number): Stretch => {
    const own = all[lane] as Stretch[];
    return own[step % own.length] as Stretch;
  };
  const batch = (tokens: Uint32Array, own: readonly Stretch[]): Batch => {
    const inputs = new Uint32Array(windows * time);
    const targets = new Uint32Array(windows * time).fill(IGNORE);
    own.forEach(({ start, length }, b) => {
      inputs.set(tokens.subarray(start, start + length), b * time);
      targets.set(tokens.subarray(start + 1, start + length + 1), b * time);
    });
    const counted = own.reduce((sum, { length }) => sum + length, 0);
    return { inputs, targets, counted, fresh: own.map(({ fresh }) => fresh) };
  };
  const ownOf = (all: Stretch[][], microBatch: number, step: number): Stretch[] =>
    Array.from({ length: windows }, (_, b) => at(all, microBatch * windows + b, step));
  const shortest = Math.min(...validation.map((lane) => lane.length));
  const limit = evalWindows === 0 ? Infinity : Math.max(1, Math.ceil(evalWindows / lanes));
  return {
    train: ({ step, microBatch }) => batch(input.train, ownOf(train, microBatch, step)),
    countedIn: (step) => train.reduce((sum, _, lane) => sum + at(train, lane, step).length, 0),
    sequences: microBatches,
    evaluation: (sequence) =>
      Array.from(
        { length: Math.min(shortest, limit) },
        (_, step) => batch(input.validation, ownOf(validation, sequence, step)),
      ),
  };
}
