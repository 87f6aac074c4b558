/** Which tokens a draw chooses among: top-k and top-p. Knows weights, not where they are from. */

/**
 * A copy of `weights` in which all but the likeliest are zero: at most `topK` of them (0 is all), and
 * of those the fewest whose share of their sum reaches `topP`, in (0, 1]. At least one stays. Of
 * equal weights the lower indices stay.
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

/** How many of the weights, from the greatest down, reach a share of their sum. */
function nucleus(sorted: Float64Array, share: number): number {
  const total = sorted.reduce((a, b) => a + b, 0);
  let sum = 0;
  // With a share of 1 the sums are made alike, so the last one reaches it to the bit.
  return sorted.findIndex((w) => (sum += w) >= share * total) + 1;
}
