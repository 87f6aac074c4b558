/** Which time steps make the one vector of a window. Knows no tensors. */

/** The last time step, or the mean over all. */
export type TimeKind = "last" | "mean";

/**
 * The first step that counts of `time`, and the weight of it and each behind it: 1 for the last
 * step, so that its values stay as they are, and 1 / T for a mean.
 */
export function stepsPooled(kind: TimeKind, time: number): { from: number; scale: number } {
  return kind === "last" ? { from: time - 1, scale: 1 } : { from: 0, scale: 1 / time };
}
