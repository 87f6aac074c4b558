/**
 * Which windows a micro-batch holds, and their tokens. Training order is a pure function of the
 * key and the micro-batch's address: no cursor, no state, no idea of workers.
 * Legend: S micro-batches a step, B windows a micro-batch, T tokens a window.
 */
import { IGNORE } from "../base/ignore.ts";
import { fold, type Key } from "../base/random.ts";
import { permute } from "./permutation.ts";
import { windowCount } from "./windows.ts";

/** Tokens of B windows, row-major [B, T]; a target is the token after its input. */
export interface MicroBatch {
  readonly inputs: Uint32Array;
  readonly targets: Uint32Array;
}

/** Address of a micro-batch and the sizes that give it its place in the order of windows. */
export interface TrainAddress {
  /** Step, from 0. */
  readonly step: number;
  /** Index in [0, microBatches). */
  readonly microBatch: number;
  /** S. */
  readonly microBatches: number;
  /** B. */
  readonly windows: number;
  /** Number of training windows, as `windowCount` gives it. */
  readonly count: number;
}

/**
 * Numbers of the B windows of a micro-batch, each in [0, count); window k starts at k * stride.
 * Every epoch visits each window once in its own order; a micro-batch may span two epochs.
 */
export function trainWindows(key: Key, address: TrainAddress): Uint32Array {
  const { step, microBatch, microBatches, windows, count } = address;
  const first = (step * microBatches + microBatch) * windows;
  if (!Number.isSafeInteger(first + windows) || first < 0 || count < 1) {
    throw new RangeError(
      `Cannot place a micro-batch: need a position below 2^53 and at least one window: position ${first}, ${count} windows`,
    );
  }
  return Uint32Array.from({ length: windows }, (_, b) => {
    const g = first + b;
    return permute(epochKey(key, Math.floor(g / count)), count, g % count);
  });
}

function epochKey(key: Key, epoch: number): Key {
  return fold(fold(key, epoch >>> 0), Math.floor(epoch / 2 ** 32));
}

/** Tokens of the windows of T = `window` tokens that begin at `starts`. */
export function gather(tokens: Uint32Array, starts: ArrayLike<number>, window: number): MicroBatch {
  const { inputs, targets } = gatherPadded(tokens, starts, { window, windows: starts.length });
  return { inputs, targets };
}

/** A micro-batch of which `counted` target positions count in the loss. */
export interface PaddedBatch extends MicroBatch {
  readonly counted: number;
}

/** As {@linkcode gather}, filled up to B = `windows` rows with inputs 0 and targets IGNORE. */
export function gatherPadded(
  tokens: Uint32Array,
  starts: ArrayLike<number>,
  { window, windows }: { readonly window: number; readonly windows: number },
): PaddedBatch {
  if (starts.length > windows) {
    throw new RangeError(`Cannot gather windows: need at most ${windows}: ${starts.length}`);
  }
  const inputs = new Uint32Array(windows * window);
  const targets = new Uint32Array(windows * window).fill(IGNORE);
  for (let row = 0; row < starts.length; row++) {
    const start = starts[row] as number;
    if (start + window >= tokens.length) {
      throw new RangeError(
        `Cannot gather a window: need ${start + window + 1} tokens: there are ${tokens.length}`,
      );
    }
    inputs.set(tokens.subarray(start, start + window), row * window);
    targets.set(tokens.subarray(start + 1, start + window + 1), row * window);
  }
  return { inputs, targets, counted: starts.length * window };
}

/** How an evaluation is cut. */
export interface EvalShape {
  /** T. */
  readonly window: number;
  /** B. */
  readonly windows: number;
  /** Windows to evaluate; 0 means all. */
  readonly limit: number;
}

/**
 * Starts of the evaluation's windows, B to a batch (the last may hold fewer), in fixed order.
 * Windows lie side by side, so no target counts twice; a limit takes evenly spaced ones.
 */
export function evalBatches(nTokens: number, shape: EvalShape): Uint32Array[] {
  const { window, windows, limit } = shape;
  const count = windowCount(nTokens, window, window);
  const taken = limit > 0 ? Math.min(limit, count) : count;
  const starts = Uint32Array.from(
    { length: taken },
    (_, j) => Math.floor(j * count / taken) * window,
  );
  const batches: Uint32Array[] = [];
  for (let i = 0; i < taken; i += windows) batches.push(starts.subarray(i, i + windows));
  return batches;
}
