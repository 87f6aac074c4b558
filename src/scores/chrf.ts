/**
 * chrF of a corpus (Popovic 2015) as sacrebleu computes it by default: n-grams of characters up to 6
 * without white space, recall twice as important as precision. Pure.
 */
import type { Scored } from "./bleu.ts";

/** Longest n-grams of characters. */
const ORDER = 6;
/** Weight of recall against precision, squared. */
const BETA_SQUARED = 4;

/** Counts of n-grams of one length. */
interface Counts {
  /** Of the text. */
  own: number;
  /** Of the reference. */
  wanted: number;
  /** Of both. */
  matched: number;
}

/** chrF in percent. */
export function chrf(corpus: readonly Scored[]): number {
  const sums = Array.from({ length: ORDER }, (): Counts => ({ own: 0, wanted: 0, matched: 0 }));
  for (const { text, references } of corpus) {
    let best: { counts: Counts[]; score: number } | undefined;
    for (const reference of references) {
      const counts = countsOf(text, reference);
      const score = scoreOf(counts);
      if (best === undefined || score > best.score) best = { counts, score };
    }
    best?.counts.forEach(({ own, wanted, matched }, i) => {
      const sum = sums[i] as Counts;
      sum.own += own;
      sum.wanted += wanted;
      sum.matched += matched;
    });
  }
  return scoreOf(sums);
}

function countsOf(text: string, reference: string): Counts[] {
  const [own, other] = [text, reference].map((side) => Array.from(side.replaceAll(/\s+/g, "")));
  return Array.from({ length: ORDER }, (_, i) => {
    const [a, b] = [grams(own as string[], i + 1), grams(other as string[], i + 1)];
    let matched = 0;
    for (const [gram, count] of a) matched += Math.min(count, b.get(gram) ?? 0);
    return { own: totalOf(a), wanted: totalOf(b), matched };
  });
}

function grams(characters: readonly string[], n: number): Map<string, number> {
  const counts = new Map<string, number>();
  for (let i = 0; i + n <= characters.length; i++) {
    const gram = characters.slice(i, i + n).join("");
    counts.set(gram, (counts.get(gram) ?? 0) + 1);
  }
  return counts;
}

function totalOf(counts: ReadonlyMap<string, number>): number {
  return Array.from(counts.values()).reduce((sum, count) => sum + count, 0);
}

/** F of the mean precision and recall over the lengths that both sides have. */
function scoreOf(counts: readonly Counts[]): number {
  const both = counts.filter(({ own, wanted }) => own > 0 && wanted > 0);
  if (both.length === 0) return 0;
  const mean = (of: (counts: Counts) => number) =>
    both.reduce((sum, each) => sum + of(each), 0) / both.length;
  const precision = mean(({ own, matched }) => matched / own);
  const recall = mean(({ wanted, matched }) => matched / wanted);
  if (precision + recall === 0) return 0;
  return 100 * (1 + BETA_SQUARED) * precision * recall / (BETA_SQUARED * precision + recall);
}
