/**
 * Whether a fitted number means anything. Percentiles of a bootstrap are numbers even where trials
 * determine none: an interval from 1e-3 to 4e129 is one of those.
 */
import type { Optimum } from "./law.ts";
import type { Estimate } from "../types.ts";

/** Ranges of the trials. */
export type TrialRange = Readonly<Record<"params" | "tokens" | "flops", readonly [number, number]>>;

/** What kind of number an estimate is; each kind has its own limits of sense. */
export type Kind = "scale" | "power" | "share" | "log" | "amount" | "loss";

/** Exponents above it make a wall between two sizes, not a power law. */
export const STEEPEST = 10;
/** Times that an optimum may lie outside the trials, beyond what its budget alone explains. */
const FARTHEST = 1000;

/** An estimate, marked where its interval says that nothing determines it. */
export function judged(estimate: Estimate, kind: Kind): Estimate {
  const { low, high, value } = estimate;
  if (low === null || high === null) return estimate;
  return senseless(kind, { low, high, value }) ? { ...estimate, undetermined: true } : estimate;
}

function senseless(
  kind: Kind,
  { low, high, value }: { low: number; high: number; value: number },
): boolean {
  switch (kind) {
    // A factor in front of a power: a few powers of ten are usual.
    case "scale":
      return !(high / low <= 1e9) || value > 1e30 || high > 1e30 || low < 1e-30;
    case "power":
      return low <= 0 || high > STEEPEST / 2;
    // Of a budget's growth: both of its parts grow.
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

/** How many times a number lies outside a range; at most 1 inside. */
function outside(value: number, [low, high]: readonly [number, number]): number {
  return Math.max(low / value, value / high);
}

/** Whether the best use of a budget lies outside the trials, in FLOP, parameters or tokens. */
export function isBeyond(
  { params, tokens }: Pick<Optimum, "params" | "tokens">,
  { flops, range }: { flops: number; range: TrialRange },
): boolean {
  return flops > range.flops[1] || outside(params, range.params) > 1 ||
    outside(tokens, range.tokens) > 1;
}

/**
 * Why the best use of a budget means nothing; undefined where it does. A budget k times beyond the
 * trials takes up to k times their parameters or tokens: more than that by a factor of 1000 is a
 * law that gives one of the two no price.
 */
export function senselessOptimum(
  { params, tokens, loss }: Pick<Optimum, "params" | "tokens" | "loss">,
  { flops, range }: { flops: number; range: TrialRange },
): string | undefined {
  const stretch = Math.max(1, outside(flops, range.flops));
  const far = Math.max(outside(params, range.params), outside(tokens, range.tokens)) / stretch;
  // NaN is not below it either.
  if (far <= FARTHEST && params >= 1 && tokens >= 1 && Number.isFinite(loss)) return undefined;
  return `the law puts its best N or D more than ${FARTHEST} times outside the trials`;
}
