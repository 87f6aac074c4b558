/** Sentences about the limits of a fitted law, chosen by its numbers. */
import { minOf } from "../base/extremes.ts";
import type { ChinchillaFit } from "./fit/chinchilla.ts";
import { averaged } from "./fit/frontier.ts";
import type { IsoflopFit } from "./fit/isoflop.ts";
import type { Count } from "./read.ts";
import type { ComputeAllocation } from "./allocation.ts";
import type { ScalingPoint } from "./types.ts";

/** Input of the sentences. */
export interface LimitsInput {
  readonly fit: ChinchillaFit;
  readonly range: Readonly<Record<"params" | "tokens" | "flops", readonly [number, number]>>;
  readonly optimal: readonly ComputeAllocation[];
  readonly points: readonly ScalingPoint[];
  readonly count: Count;
  readonly isoflop: IsoflopFit | { readonly skipped: string };
  /** Duplicate trials. */
  readonly repeated: readonly string[];
}

/**
 * The first and the last sentence hold for every fit; those between are warnings about these
 * trials.
 */
export function limitsOf(told: LimitsInput): string[] {
  const { range, count } = told;
  return [
    `The law is known between ${short(range.params[0])} and ${
      short(range.params[1])
    } parameters and ` +
    `${short(range.tokens[0])} and ${
      short(range.tokens[1])
    } tokens. Beyond them it is extrapolated, ` +
    `and it holds for this text, tokenizer, schedule and family of models alone.`,
    ...warningsOf(told),
    `N is the count of ${COUNTED[count]}. Which parameters are counted moves the exponents; the ` +
    "table of counts shows how far.",
  ];
}

/** Warnings, most important first. */
export function warningsOf({ fit, optimal, points, isoflop, repeated }: LimitsInput): string[] {
  const { estimates, quality, starts, agree, draws } = fit;
  const said: string[] = [];
  const names = Object.entries(estimates).filter(([, { undetermined }]) => undetermined)
    .map(([name]) => name);
  if (names.length > 0) {
    said.push(
      `These trials do not determine ${
        names.join(", ")
      }: the draws of the bootstrap give them any ` +
        "value.",
    );
  }
  const skipped = optimal.filter((row) => "skipped" in row).length;
  if (skipped > 0) {
    said.push(
      `${skipped} of ${optimal.length} budgets have no best N and D that mean anything: the law puts ` +
        "them far outside the trials.",
    );
  }
  const beyond = optimal.filter((row) => row.beyond > 10);
  if (beyond.length > 0) {
    said.push(
      `${beyond.length} of ${optimal.length} budgets in the table are more than ten times the ` +
        "largest trial: read them as a direction, not as a plan.",
    );
  }
  const { low, high } = estimates.E;
  if (low === null || high === null) {
    said.push("There are too few draws for intervals.");
  } else if (
    low < 0.1 * estimates.E.value || high - low > 0.5 * estimates.E.value ||
    estimates.E.value < 1e-3 * minOf(points.map((point) => point.loss))
  ) {
    said.push(
      "The irreducible loss E is hardly determined: the trials do not come near it, and other " +
        "values of E with other exponents fit about as well.",
    );
  }
  const { a } = estimates;
  if (a.low !== null && a.high !== null && a.high - a.low > 0.2) {
    said.push(
      "Whether a larger budget should go to parameters or to tokens is open: the interval of a is " +
        "wide.",
    );
  }
  if (quality.leave_one_out_rms > 2 * quality.rms) {
    said.push(
      "Left out, a trial is predicted much worse than it is fitted: there are few trials for five " +
        "constants.",
    );
  }
  if (averaged(points).length === points.length) {
    said.push(
      "Each size and token count was trained once, so the noise between seeds is in the residuals " +
        "and not known by itself.",
    );
  }
  const rising = draws.filter((law) => !(law.alpha > 0 && law.beta > 0)).length;
  if (rising > 0) {
    said.push(
      `${rising} of ${draws.length} draws have a loss that does not fall with N or with D; they are ` +
        "in the intervals of the constants and in no table of budgets.",
    );
  }
  if (agree < 0.02 * starts) {
    said.push(`Few starts, ${agree} of ${starts}, lead to this optimum.`);
  }
  if (fit.redrawn > draws.length) {
    said.push("Most draws of the bootstrap determined no law and were drawn again.");
  }
  if (!("skipped" in isoflop)) {
    const outside = isoflop.budgets.filter((budget) => budget.minimum === undefined).length;
    if (outside > 0) {
      said.push(
        `${outside} of ${isoflop.budgets.length} isoFLOP curves have no minimum between their sizes ` +
          "and say nothing of the best one.",
      );
    }
    const rare = isoflop.budgets.filter(({ minimum }) => (minimum?.drawn ?? 1) < 0.5).length;
    if (rare > 0) {
      said.push(
        `Of ${rare} of ${isoflop.budgets.length} isoFLOP curves fewer than half of the draws have a ` +
          "minimum between the sizes: their intervals are of those that do.",
      );
    }
  }
  if (repeated.length > 0) {
    const shown = repeated.slice(0, 8).join("; ");
    said.push(
      `${repeated.length} of ${
        points.length + repeated.length
      } trials repeat another one's N, D and ` +
        `loss in every digit and do not count: ${shown}` +
        (repeated.length > 8 ? `; and ${repeated.length - 8} more.` : "."),
    );
  }
  return said;
}

/** Descriptions of the parameter counts. */
export const COUNTED: Readonly<Record<Count, string>> = {
  all: "all parameters",
  no_embedding: "parameters without the tables of tokens and positions",
  matrices: "elements of the blocks' weight matrices",
};

/** Three digits with a unit prefix: `1.23e6` as `1.23M`. */
export function short(n: number): string {
  for (const [unit, size] of [["T", 1e12], ["G", 1e9], ["M", 1e6], ["k", 1e3]] as const) {
    if (n >= 999.5e12) break;
    if (n >= 0.9995 * size) return `${Number((n / size).toPrecision(3))}${unit}`;
  }
  return n >= 999.5e12 ? n.toExponential(2).replace("e+", "e") : String(Number(n.toPrecision(3)));
}
