/** Whether a sweep has come to what was asked for. Pure. */
import type { SweepStanding } from "./standing.ts";

/**
 * What is missing at the end of a call, in one line; undefined where nothing is. Trials that early
 * stopping lets rest are not missing, nor are those that a budget or a signal left for later.
 */
export function shortfall(
  standings: readonly Pick<SweepStanding, "state" | "reason" | "trial">[],
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
