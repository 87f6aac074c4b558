/**
 * A keyed shuffle of [0, n) whose entries are computed one by one, so that any position of any
 * epoch is known without a list. Source: Black and Rogaway, "Ciphers with Arbitrary Finite
 * Domains" (CT-RSA 2002): a Feistel network on a slightly larger domain, with cycle walking.
 */
import { type Key, threefry } from "../base/random.ts";

/** More than the four rounds of Luby and Rackoff, because the halves of small domains mix slowly. */
const ROUNDS = 8;
/** Keeps the counters of this use apart from others of the same key. */
const TAG = 0x7065_7200;

/**
 * Image of `i` under the permutation of [0, n) that `key` picks: a bijection for each key.
 * Needs 1 <= n <= 2^52; takes fewer than four walks on average, whatever n is.
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
  // Leaving [0, n) is answered by going on along the cycle: it comes back, and stays a bijection.
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
