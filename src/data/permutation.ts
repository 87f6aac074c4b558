/**
 * A keyed permutation of [0, n) with random access: entries are computed individually, without a
 * list. Source: Black and Rogaway, "Ciphers with Arbitrary Finite Domains" (CT-RSA 2002): a Feistel
 * network on a slightly larger domain, with cycle walking.
 */
import { type Key, threefry } from "../base/random.ts";

/** More than the four rounds of Luby and Rackoff, because small domains mix slowly. */
const ROUNDS = 8;
/** Domain separation from other uses of the same key. */
const TAG = 0x7065_7200;

/**
 * Image of `i` under the permutation of [0, n) for `key`. Needs 1 <= n <= 2^52; takes fewer than
 * four passes on average. @throws {RangeError} for other arguments.
 */
export function permute(key: Key, n: number, i: number): number {
  if (!Number.isInteger(n) || n < 1 || n > 2 ** 52) {
    throw new RangeError(`Cannot permute: need a size in [1, 2^52]: ${n}`);
  }
  if (!Number.isInteger(i) || i < 0 || i >= n) {
    throw new RangeError(`Cannot permute: need an index in [0, ${n}): ${i}`);
  }
  let half = 1;
  while (half * half < n) half *= 2;
  let x = i;
  // Cycle walking: repeat until the value is in [0, n), which keeps this a bijection.
  do x = feistel(key, half, x); while (x >= n);
  return x;
}

/** One pass over the domain of `half` x `half` numbers; `half` is a power of two. */
function feistel(key: Key, half: number, x: number): number {
  let left = Math.floor(x / half);
  let right = x % half;
  for (let round = 0; round < ROUNDS; round++) {
    const word = threefry(key, right, TAG + round)[0];
    [left, right] = [right, left ^ (word & (half - 1))];
  }
  return left * half + right;
}
