/**
 * Detects estimates that the data do not determine. Bootstrap percentiles are finite even then: an
 * interval from 1e-3 to 4e129 is an example.
 */
import type { Optimum } from "./law.ts";
import type { Estimate } from "../types.ts";

/** Ranges of the trials. */
export type TrialRange = Readonly<Record<"params" | "tokens" | "flops", readonly [number, number]>>;

/** Kinds of estimates, each with its own limits. */
export type EstimateKind = "scale" | "power" | "share" | "log" | "amount" | "loss";

/** Larger exponents fit a step between two sizes, not a power law. */
export const STEEPEST = 10;
/** Maximum extrapolation factor of an optimum, beyond that of its budget. */
const FARTHEST = 1000;

/** The estimate, marked undetermined if its interval exceeds the limits of its kind. */
export function markUndetermined(estimate: Estimate, kind: EstimateKind): Estimate {
  const { low, high, value } = estimate;
  if (low === null || high === null) return estimate;
  return isUndetermined(kind, { low, high, value })
    ? { ...estimate, undetermined: true }
    : estimate;
}

function isUndetermined(
  kind: EstimateKind,
  { low, high, value }: { low: number; high: number; value: number },
): boolean {
  switch (kind) {
    // A coefficient of a power: a few orders of magnitude are usual.
    case "scale":
      return !(high / low <= 1e9) || value > 1e30 || high > 1e30 || low < 1e-30;
    case "power":
      return low <= 0 || high > STEEPEST / 2;
    // Exponents a and b are in [0, 1].
    case "share":
      return low < 0 || high > 1;
    // A logarithm to base 10.
    case "log":
      return high - low > 9 || Math.abs(value) > 30;
    case "amount":
      return !(high / low <= FARTHEST * FARTHEST);
    case "loss":
      return !(low > 0 && high / low <= FARTHEST);
  }
}

/** Factor by which a number is outside a range; at most 1 inside. */
function outside(value: number, [low, high]: readonly [number, number]): number {
  return Math.max(low / value, value / high);
}

/** Whether the optimum of a budget extrapolates beyond the trials in FLOP, parameters or tokens. */
export function isBeyond(
  { params, tokens }: Pick<Optimum, "params" | "tokens">,
  { flops, range }: { flops: number; range: TrialRange },
): boolean {
  return flops > range.flops[1] || outside(params, range.params) > 1 ||
    outside(tokens, range.tokens) > 1;
}

/**
 * Why the optimum of a budget is undetermined; undefined if it is determined. A budget k times
 * beyond the trials needs at most k times their parameters or tokens. If a law exceeds that by a
 * factor of 1000, one of its terms has no effect.
 */
export function undeterminedOptimum(
  { params, tokens, loss }: Pick<Optimum, "params" | "tokens" | "loss">,
  { flops, range }: { flops: number; range: TrialRange },
): string | undefined {
  const stretch = Math.max(1, outside(flops, range.flops));
  const far = Math.max(outside(params, range.params), outside(tokens, range.tokens)) / stretch;
  // Written so that NaN fails.
  if (far <= FARTHEST && params >= 1 && tokens >= 1 && Number.isFinite(loss)) return undefined;
  return `the law puts its best N or D more than ${FARTHEST} times outside the trials`;
}
