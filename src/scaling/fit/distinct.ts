/** Groups nearly equal numbers: sizes, token counts and budgets vary slightly between trials. */

/** Sorted groups of indices whose numbers are within `factor` of their group's smallest. */
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

/** Number of distinct values, up to one percent. */
export function countDistinct(values: readonly number[]): number {
  return groupsOf(values, 1.01).length;
}
