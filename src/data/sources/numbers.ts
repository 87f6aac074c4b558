/**
 * Random draws per window. Windows are numbered over the whole run, so draws depend neither on the
 * split into micro-batches nor on the worker.
 */
import { fold, type Key } from "../../base/random.ts";
import type { BatchAddress, SourceInput } from "../source.ts";

/** Number of the first of the B windows of a micro-batch; numbers continue from step to step. */
export function firstNumber(
  { step, microBatch }: BatchAddress,
  { microBatches, windows }: Pick<SourceInput, "microBatches" | "windows">,
): number {
  return (step * microBatches + microBatch) * windows;
}

/** The key of window `number`, any integer in [0, 2^53). */
export function numberKey(key: Key, number: number): Key {
  return fold(fold(key, number >>> 0), Math.floor(number / 2 ** 32));
}

/** A number in [0, n) from one random u32 word; n is at most 2^32. */
export function below(n: number, word: number): number {
  return Math.floor(word * n * 2 ** -32);
}
