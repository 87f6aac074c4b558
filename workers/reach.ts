/** How far a gradient reaches back, from the norms that a device gives. Pure. */

/**
 * Norms over all windows of a batch for t = T, T - 1, ... 1, from norms [B, T + 1] of the single
 * windows, whose first column belongs to the state before the first step.
 */
export function normsBack(norms: Float32Array, time: number): Float32Array {
  const columns = time + 1;
  const squares = new Float64Array(columns);
  norms.forEach((norm, i) => squares[i % columns] = (squares[i % columns] as number) + norm * norm);
  return Float32Array.from(
    { length: time },
    (_, back) => Math.sqrt(squares[time - back] as number),
  );
}
