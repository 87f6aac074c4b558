/**
 * Draws the text of each window when texts are mixed by sampling weight. A pure function of the key
 * and the window's number. Every round of windows has the exact share of each text, in an order
 * shuffled per round; each text numbers its windows consecutively.
 */
import { fold, type Key } from "../base/random.ts";
import { permute } from "./permutation.ts";

/** Windows in a round: the resolution of weights. */
export const ROUND = 1024;

/** The text of a window, and the window's number within that text. */
export interface DrawnText {
  readonly text: number;
  readonly number: number;
}

/** Returns the text of window `number`, any integer in [0, 2^53). */
export type Mixture = (number: number) => DrawnText;

/** A mixture by `weights`, each above 0; every text gets at least one window per round. */
export function mixture(key: Key, weights: readonly number[]): Mixture {
  if (weights.length === 1) return (number) => ({ text: 0, number });
  const counts = shareOut(weights, ROUND);
  // Cache the last round: windows are drawn in order.
  let known = { round: -1, drawn: [] as readonly DrawnText[] };
  return (number) => {
    const round = Math.floor(number / ROUND);
    if (round !== known.round) known = { round, drawn: roundOf(key, round, counts) };
    return known.drawn[number % ROUND] as DrawnText;
  };
}

/** All windows of a round. */
function roundOf(key: Key, round: number, counts: readonly number[]): DrawnText[] {
  const own = fold(fold(key, round >>> 0), Math.floor(round / 2 ** 32));
  const texts = counts.flatMap((count, text) => new Array<number>(count).fill(text));
  const next = counts.map((count) => round * count);
  return texts.map((_, i) => {
    const text = texts[permute(own, ROUND, i)] as number;
    const number = next[text] as number;
    next[text] = number + 1;
    return { text, number };
  });
}

/**
 * Apportions `total` by weights, at least one each, by largest remainders (Hamilton's method).
 * @throws {RangeError} for weights that are not above 0 or too many.
 */
export function shareOut(weights: readonly number[], total: number): number[] {
  if (weights.length > total || !weights.every((w) => w > 0 && Number.isFinite(w))) {
    throw new RangeError(
      `Cannot mix texts: need 1 to ${total} weights above 0: ${weights.join(", ")}`,
    );
  }
  const sum = weights.reduce((a, b) => a + b, 0);
  const free = total - weights.length;
  const exact = weights.map((w) => Math.max(0, total * w / sum - 1));
  const more = exact.reduce((a, b) => a + b, 0);
  const wanted = exact.map((x) => more === 0 ? 0 : x * free / more);
  const counts = wanted.map((x) => 1 + Math.floor(x));
  const order = wanted.map((x, i) => ({ i, rest: x - Math.floor(x) }))
    .sort((a, b) => b.rest - a.rest || a.i - b.i);
  let left = total - counts.reduce((a, b) => a + b, 0);
  for (const { i } of order) {
    if (left-- <= 0) break;
    counts[i] = (counts[i] as number) + 1;
  }
  return counts;
}
