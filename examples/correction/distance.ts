/** How far two sentences are from each other. Knows words alone. */

/**
 * Words to put in, take out or replace until `from` is `to`: Levenshtein 1966, by the rows of
 * Wagner and Fischer 1974.
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
