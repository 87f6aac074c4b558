/**
 * Maximum, minimum and append for lists of any length. `Math.max(...items)` and
 * `list.push(...items)` put each item on the stack, which overflows at about 100,000 of them.
 */

/** The maximum, as `Math.max`: -Infinity for no numbers, NaN if one is NaN. */
export function maxOf(numbers: Iterable<number>): number {
  let most = -Infinity;
  for (const number of numbers) most = Math.max(most, number);
  return most;
}

/** The minimum, as `Math.min`: Infinity for no numbers, NaN if one is NaN. */
export function minOf(numbers: Iterable<number>): number {
  let least = Infinity;
  for (const number of numbers) least = Math.min(least, number);
  return least;
}

/** Adds items to the end of a list. */
export function append<T>(list: T[], items: Iterable<T>): void {
  for (const item of items) list.push(item);
}
