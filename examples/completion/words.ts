/** What can be said of a completion by its words alone. Pure. */

/** The words of a text, in small letters. */
export function wordsOf(text: string): string[] {
  return text.toLowerCase().match(/\p{L}+(?:['’]\p{L}+)*/gu) ?? [];
}

/** The words of a completion that begin and end in it: the first and the last may be cut. */
export function wholeWords(completion: string): string[] {
  const from = completion.search(/[^\p{L}'’]/u);
  const behind = completion.search(/[\p{L}'’]*$/u);
  return from < 0 ? [] : wordsOf(completion.slice(from, Math.max(from, behind)));
}

/** Shares in [0, 1]. */
export interface WordShares {
  /** Words that are words of the text. */
  readonly known: number;
  /** Distinct words: low where a completion repeats itself. */
  readonly distinct: number;
  /** Runs of three words that stand in the text as they are: what may be learnt by heart. */
  readonly copied: number;
}

/** How the words of completions compare with those of a text. */
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

/** All runs of three words. */
function runsOf(words: readonly string[]): string[] {
  return words.slice(2).map((_, i) => words.slice(i, i + 3).join(" "));
}
