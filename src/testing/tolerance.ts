/** How far a kernel may be from its reference. Computed from the length of its sums. */

/** Largest difference allowed, for results of magnitude `largest` summed from `terms` terms. */
export function tolerance(terms: number, largest: number): number {
  return 8 * 2 ** -24 * Math.sqrt(terms) * largest;
}
