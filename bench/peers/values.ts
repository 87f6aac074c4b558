/** Numbers by which results are compared without sending them. */

/** Mean of |x|. */
export function meanSize(values: Float32Array): number {
  let sum = 0;
  for (const value of values) sum += Math.abs(value);
  return sum / values.length;
}
