/**
 * The largest, the smallest and the joining of as many items as there are. `Math.max(...items)` and
 * `list.push(...items)` put each item on the stack, which overflows at about 100,000 of them.
 */

/** The largest of some numbers, as `Math.max` has it: -Infinity of none, NaN where one is NaN. */
export function maxOf(numbers: Iterable<number>): number {
  let most = -Infinity;
  for (const number of numbers) most = Math.max(most, number);
  return most;
}

/** The smallest of some numbers, as `Math.min` has it: Infinity of none, NaN where one is NaN. */
export function minOf(numbers: Iterable<number>): number {
  let least = Infinity;
  for (const number of numbers) least = Math.min(least, number);
  return least;
}

/** Adds items to the end of a list. */
export function append<T>(list: T[], items: Iterable<T>): void {
  for (const item of items) list.push(item);
}
