/** Which time steps are pooled, and with which weight. */

/** The last time step, or the mean over all. */
export type TimeKind = "last" | "mean";

/**
 * Steps `from` to `time - 1` are added with the weight `scale`: the last step with 1, which keeps
 * its bits, or all steps with 1 / T.
 */
export function stepsPooled(kind: TimeKind, time: number): { from: number; scale: number } {
  return kind === "last" ? { from: time - 1, scale: 1 } : { from: 0, scale: 1 / time };
}
