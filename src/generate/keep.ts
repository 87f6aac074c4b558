/** Top-k and top-p filters. */

/**
 * A copy of `weights` with all but the largest set to zero: the `topK` largest (0: all), and of
 * these the fewest whose share of their sum reaches `topP` in (0, 1], at least one. Ties keep the
 * lower indices.
 */
export function keepLikely(
  weights: Float64Array,
  { topK, topP }: { topK: number; topP: number },
): Float64Array {
  const most = topK === 0 ? weights.length : Math.min(topK, weights.length);
  if (most === weights.length && topP === 1) return weights;
  const sorted = weights.toSorted().reverse().subarray(0, most);
  const kept = sorted.subarray(0, nucleus(sorted, topP));
  const least = kept.at(-1) as number;
  let equals = kept.length - kept.indexOf(least);
  return weights.map((w) => w > least || (w === least && equals-- > 0) ? w : 0);
}

/** Number of the largest weights that reach a share of their sum. */
function nucleus(sorted: Float64Array, share: number): number {
  const total = sorted.reduce((a, b) => a + b, 0);
  let sum = 0;
  // Both sums add in the same order, so share 1 is reached exactly at the last weight.
  return sorted.findIndex((w) => (sum += w) >= share * total) + 1;
}
