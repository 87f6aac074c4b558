/** Edit distance of sequences (Levenshtein 1966). Pure. */

/** Insertions, deletions and substitutions that turn one sequence into the other, at least. */
export function editDistance(a: readonly unknown[], b: readonly unknown[]): number {
  let before = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (const [i, x] of a.entries()) {
    const row = [i + 1];
    for (const [j, y] of b.entries()) {
      row.push(Math.min(
        (before[j] as number) + (x === y ? 0 : 1),
        (before[j + 1] as number) + 1,
        (row[j] as number) + 1,
      ));
    }
    before = row;
  }
  return before[b.length] as number;
}
