/** Word statistics of completions. Pure. */

/** The words of a text in lower case. */
export function wordsOf(text: string): string[] {
  return text.toLowerCase().match(/\p{L}+(?:['’]\p{L}+)*/gu) ?? [];
}

/** The complete words of a completion: the first and the last may be truncated. */
export function wholeWords(completion: string): string[] {
  const from = completion.search(/[^\p{L}'’]/u);
  const behind = completion.search(/[\p{L}'’]*$/u);
  return from < 0 ? [] : wordsOf(completion.slice(from, Math.max(from, behind)));
}

/** Shares in [0, 1]. */
export interface WordShares {
  /** Words that occur in the text. */
  readonly known: number;
  /** Distinct words: low for repetitive completions. */
  readonly distinct: number;
  /** Trigrams that occur in the text: possibly memorized. */
  readonly copied: number;
}

/** Compares the words of completions with those of a text. */
export function wordShares(completions: readonly string[], text: readonly string[]): WordShares {
  const known = new Set(text);
  const runs = new Set(runsOf(text));
  const words = completions.map(wholeWords);
  const all = words.flat();
  const drawn = words.flatMap(runsOf);
  return {
    known: all.filter((word) => known.has(word)).length / all.length,
    distinct: words.map((own) => new Set(own).size).reduce((a, b) => a + b, 0) / all.length,
    copied: drawn.filter((run) => runs.has(run)).length / drawn.length,
  };
}

/** All trigrams. */
function runsOf(words: readonly string[]): string[] {
  return words.slice(2).map((_, i) => words.slice(i, i + 3).join(" "));
}
