/**
 * Which text a window comes from, where several are mixed by weight. A pure function of the key and
 * the window's number: in every round of windows each text has its exact share, in an order drawn
 * for that round, and numbers its own windows without a gap. Knows no tokens.
 */
import { fold, type Key } from "../base/random.ts";
import { permute } from "./permutation.ts";

/** Windows in a round: weights are kept to this precision. */
export const ROUND = 1024;

/** The text of a window, and the window's number among those of that text. */
export interface DrawnText {
  readonly text: number;
  readonly number: number;
}

/** Picks the text of window `number`, any integer in [0, 2^53). */
export type Mixture = (number: number) => DrawnText;

/** A mixture by `weights`, each above 0; every text has at least one window in a round. */
export function mixture(key: Key, weights: readonly number[]): Mixture {
  if (weights.length === 1) return (number) => ({ text: 0, number });
  const counts = shareOut(weights, ROUND);
  // The round that was asked for last is likely the next one as well.
  let known = { round: -1, drawn: [] as readonly DrawnText[] };
  return (number) => {
    const round = Math.floor(number / ROUND);
    if (round !== known.round) known = { round, drawn: roundOf(key, round, counts) };
    return known.drawn[number % ROUND] as DrawnText;
  };
}

/** All of a round: each text numbers its windows in the order in which they come. */
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

/** `total` shared out by weights, at least one each, by largest remainders (Hamilton's method). */
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
