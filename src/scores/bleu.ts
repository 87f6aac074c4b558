/**
 * BLEU of a corpus (Papineni et al. 2002) as sacrebleu computes it by default (Post 2018): tokens of
 * mteval-v13a, n-grams up to 4, exponential smoothing, the closest length of the references. Pure.
 */

/** Longest n-grams. */
const ORDER = 4;

/** A text and the references that it is compared with. */
export interface Scored {
  readonly text: string;
  /** One at least. */
  readonly references: readonly string[];
}

/** BLEU in percent; 0 without any common word. */
export function bleu(corpus: readonly Scored[]): number {
  const matched = new Array<number>(ORDER).fill(0);
  const total = new Array<number>(ORDER).fill(0);
  let length = 0;
  let wanted = 0;
  for (const { text, references } of corpus) {
    const words = bleuTokens(text);
    const refs = references.map(bleuTokens);
    length += words.length;
    wanted += closest(refs.map((ref) => ref.length), words.length);
    for (let n = 1; n <= ORDER; n++) {
      const known = refs.map((ref) => ngrams(ref, n));
      for (const [gram, count] of ngrams(words, n)) {
        const most = known.reduce((most, grams) => Math.max(most, grams.get(gram) ?? 0), 0);
        matched[n - 1] = (matched[n - 1] as number) + Math.min(count, most);
        total[n - 1] = (total[n - 1] as number) + count;
      }
    }
  }
  if (matched.every((count) => count === 0)) return 0;
  let smoothing = 1;
  let logs = 0;
  for (let n = 0; n < ORDER; n++) {
    const [hits, all] = [matched[n] as number, total[n] as number];
    if (all === 0) return 0;
    if (hits === 0) smoothing *= 2;
    logs += Math.log(hits === 0 ? 100 / (smoothing * all) : 100 * hits / all);
  }
  const brevity = length < wanted ? Math.exp(1 - wanted / length) : 1;
  return brevity * Math.exp(logs / ORDER);
}

/** The length next to `own`; of two the shorter one. */
function closest(lengths: readonly number[], own: number): number {
  return lengths.reduce((best, length) => {
    const [far, near] = [Math.abs(best - own), Math.abs(length - own)];
    return near < far || (near === far && length < best) ? length : best;
  });
}

function ngrams(words: readonly string[], n: number): Map<string, number> {
  const counts = new Map<string, number>();
  for (let i = 0; i + n <= words.length; i++) {
    const gram = words.slice(i, i + n).join(" ");
    counts.set(gram, (counts.get(gram) ?? 0) + 1);
  }
  return counts;
}

/** Tokens as mteval-v13a cuts them: marks apart, except points and commas within numbers. */
export function bleuTokens(text: string): string[] {
  const plain = text.replaceAll("<skipped>", "").replaceAll("-\n", "").replaceAll("\n", " ")
    .replaceAll("&quot;", '"').replaceAll("&amp;", "&").replaceAll("&lt;", "<")
    .replaceAll("&gt;", ">");
  return ` ${plain} `
    .replaceAll(/([{-~[-` -&(-+:-@/])/g, " $1 ")
    .replaceAll(/([^0-9])([.,])/g, "$1 $2 ")
    .replaceAll(/([.,])([^0-9])/g, " $1 $2")
    .replaceAll(/([0-9])(-)/g, "$1 $2 ")
    .split(/\s+/).filter((word) => word !== "");
}
