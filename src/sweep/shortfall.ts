/** Detects an incomplete sweep. Pure. */
import type { TrialProgress } from "./trial_progress.ts";

/**
 * Describes failed and unstarted trials at the end of a call; undefined if there are none. Trials
 * paused by early stopping, a budget or a signal do not count.
 */
export function shortfall(
  standings: readonly Pick<TrialProgress, "state" | "reason" | "trial">[],
  { isCut }: { readonly isCut: boolean },
): string | undefined {
  const failed = standings.filter(({ state }) => state === "failed");
  const left = isCut ? 0 : standings.filter(({ state }) => state === "waits").length;
  const [first] = failed;
  const faults = [
    ...first === undefined
      ? []
      : [`${failed.length} failed, the first is ${first.trial.name}: ${first.reason ?? "unknown"}`],
    ...left === 0 ? [] : [`${left} could not be started`],
  ];
  if (faults.length === 0) return undefined;
  return `Cannot finish the sweep: need all of ${standings.length} trials: ${faults.join("; ")}; ` +
    "the same command tries them again";
}
