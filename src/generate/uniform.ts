/** Uniform random numbers of sampling, a pure function of (seed, row, position). */
import { fold, foldName, rootKey, threefry, unit } from "../base/random.ts";
import type { Key } from "../base/random.ts";

/** Key of row `row` for a seed. */
export function rowKey(seed: number, row: number): Key {
  return fold(foldName(rootKey(seed), "generate"), row);
}

/** A number in [0, 1) with 53 random bits, for the token at `position` after the prompt. */
export function uniformAt(key: Key, position: number): number {
  const [high, low] = threefry(key, position, 0);
  return unit(high) + (low >>> 3) * 2 ** -53;
}
