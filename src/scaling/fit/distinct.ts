/** Numbers that count as one: sizes, token counts and budgets as trials really have them. */

/** Sorted groups of indices whose numbers differ by at most `factor` from their group's first. */
export function groupsOf(values: readonly number[], factor: number): number[][] {
  const order = values.map((_, i) => i).sort((a, b) =>
    (values[a] as number) - (values[b] as number)
  );
  const groups: number[][] = [];
  for (const i of order) {
    const group = groups.at(-1);
    const first = group?.[0];
    if (
      group !== undefined && first !== undefined &&
      (values[i] as number) <= factor * (values[first] as number)
    ) group.push(i);
    else groups.push([i]);
  }
  return groups;
}

/** How many numbers there are, those within a percent counted once. */
export function countDistinct(values: readonly number[]): number {
  return groupsOf(values, 1.01).length;
}
