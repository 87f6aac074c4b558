/**
 * Random draws of single windows. A window has one number in the whole run, so what is drawn for it
 * depends neither on the cut into micro-batches nor on who asks. Knows no source.
 */
import { fold, type Key } from "../../base/random.ts";
import type { BatchAddress, SourceInput } from "../source.ts";

/** Number of the first of the B windows of a micro-batch; windows count on from step to step. */
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
