/** Edit distance of sentences in words. */

/**
 * Insertions, deletions and replacements of words from `from` to `to`: Levenshtein 1966, by the
 * algorithm of Wagner and Fischer 1974.
 */
export function wordDistance(from: readonly string[], to: readonly string[]): number {
  let above = Array.from({ length: to.length + 1 }, (_, j) => j);
  from.forEach((word, i) => {
    const row = [i + 1];
    to.forEach((other, j) => {
      const replaced = (above[j] as number) + (word === other ? 0 : 1);
      row.push(Math.min(replaced, (above[j + 1] as number) + 1, (row[j] as number) + 1));
    });
    above = row;
  });
  return above.at(-1) as number;
}
