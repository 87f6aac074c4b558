/** Runs all fits and assembles the report, the contents of scaling.json. */
import { maxOf, minOf } from "../base/extremes.ts";
import { estimate, estimateLog } from "./fit/bootstrap.ts";
import { UserError } from "../base/user_error.ts";
import {
  type ChinchillaFit,
  chinchillaLaw,
  chinchillaNeeds,
  COARSE,
  fitChinchilla,
  type Grid,
} from "./fit/chinchilla.ts";
import { fitIsoflop, type IsoflopFit } from "./fit/isoflop.ts";
import { fitKaplan, type KaplanFit } from "./fit/kaplan.ts";
import type { ComputeAllocation } from "./allocation.ts";
import { exponentsOf, type Law, lossOf, optimumOf } from "./fit/law.ts";
import { limitsOf } from "./limits.ts";
import { COSTS, LAWS } from "./fit/published.ts";
import type { Count, Trials } from "./read.ts";
import {
  isBeyond,
  markUndetermined,
  type TrialRange,
  undeterminedOptimum,
} from "./fit/undetermined.ts";
import type { BootstrapOptions, BootstrapRun, ScalingPoint } from "./types.ts";

/** A point with its prediction and residuals. */
export interface Fitted extends ScalingPoint {
  readonly predicted: number;
  /** log(loss / predicted). */
  readonly residual: number;
  /** Leave-one-out residual. */
  readonly left_out: number;
}

/** Exponents by another count of parameters. */
export interface ByCount {
  readonly count: Count;
  readonly alpha: number;
  readonly beta: number;
  readonly a: number;
  readonly b: number;
}

/** Contents of scaling.json. */
export interface ScalingReport {
  readonly format: "shoal scaling 1";
  readonly source: {
    readonly file: string;
    /** Which loss was fitted. */
    readonly loss: string;
    /** How N counts parameters. */
    readonly params: Count;
    readonly used: number;
    readonly failed: number;
    readonly stopped: number;
    /** Excluded exact duplicates. */
    readonly repeated: readonly string[];
    /** Notices about how a table was read. */
    readonly notes: readonly string[];
  };
  readonly method: { readonly chinchilla: string; readonly intervals: string };
  readonly bootstrap: BootstrapOptions;
  readonly range: Readonly<
    Record<"params" | "tokens" | "flops" | "loss", readonly [number, number]>
  >;
  readonly chinchilla: Omit<ChinchillaFit, "residuals" | "leftOut" | "draws" | "law">;
  readonly optimal: readonly ComputeAllocation[];
  readonly counts: readonly ByCount[];
  readonly kaplan: readonly KaplanFit[];
  readonly isoflop: IsoflopFit | { readonly skipped: string };
  readonly published: {
    readonly laws:
      readonly (Law & { readonly name: string; readonly a: number; readonly b: number })[];
    readonly costs: typeof COSTS;
  };
  readonly limits: readonly string[];
  readonly points: readonly Fitted[];
  /** Laws of the draws: E, A, B, alpha, beta. */
  readonly draws: readonly (readonly number[])[];
}

/** Options of {@linkcode reportOf}. */
export interface ReportOptions {
  readonly file: string;
  readonly count: Count;
  readonly loss: string;
  /** FLOP budgets to allocate; default: powers of ten around those of the trials. */
  readonly budgets?: readonly number[];
  readonly bootstrap: BootstrapOptions;
  /** Progress callback of the fits. */
  readonly tell?: BootstrapRun["tell"];
  /** Starts of the fit of L(N, D); default: the paper's 4,500. */
  readonly grid?: Grid;
}

/** Runs all fits. @throws {UserError} `data` when L(N, D) is undetermined. */
export function reportOf(trials: Trials, options: ReportOptions): ScalingReport {
  const { file, count, loss, bootstrap } = options;
  const points = trials.points[count] ?? [];
  const [repeat] = trials.repeated;
  const need = chinchillaNeeds(points);
  if (need !== undefined && repeat !== undefined) {
    const without = `not counting ${trials.repeated.length} that repeat another (${repeat})`;
    throw new UserError("data", `Cannot fit L(N, D): ${need}, ${without}`);
  }
  const drawing = { ...bootstrap, tell: options.tell };
  const fit = fitChinchilla(points, drawing, options.grid);
  const range = rangeOf(points);
  const budgets = options.budgets ?? decades(range.flops);
  const { law, residuals, leftOut, draws, ...chinchilla } = fit;
  const kaplan = (["params", "tokens", "flops"] as const).map((of) =>
    fitKaplan(points, of, drawing)
  );
  const isoflop = fitIsoflop(points, drawing);
  const optimal = budgets.map((flops) =>
    allocationOf({ law, draws, flops, range }, bootstrap.level)
  );
  return {
    format: "shoal scaling 1",
    source: {
      file,
      loss,
      params: count,
      used: points.length,
      failed: trials.failed,
      stopped: trials.stopped,
      repeated: trials.repeated,
      notes: trials.notes,
    },
    method: {
      chinchilla: "sum of Huber losses (delta 1e-3) of log loss, L-BFGS from a grid of starts",
      intervals: "percentiles of the bootstrap; the trials are drawn with replacement",
    },
    bootstrap,
    range,
    chinchilla,
    optimal,
    counts: countsOf(trials, { count, law }),
    kaplan,
    isoflop,
    published: {
      laws: LAWS.map((known) => ({ ...known, ...exponentsOf(known) })),
      costs: COSTS,
    },
    limits: limitsOf({
      fit,
      range,
      optimal,
      points,
      count,
      isoflop,
      repeated: trials.repeated,
    }),
    points: points.map((point, i) => ({
      ...point,
      predicted: lossOf(law, point),
      residual: residuals[i] as number,
      left_out: leftOut[i] as number,
    })),
    draws: draws.map(({ E, A, B, alpha, beta }) => [E, A, B, alpha, beta].map(nine)),
  };
}

/** Nine digits: more than a draw's precision, and half the file size. */
function nine(value: number): number {
  return Number(value.toPrecision(9));
}

/** Smallest and largest of each quantity. */
function rangeOf(points: readonly ScalingPoint[]): ScalingReport["range"] {
  const of = (key: "params" | "tokens" | "flops" | "loss"): [number, number] => {
    const values = points.map((point) => point[key]);
    return [minOf(values), maxOf(values)];
  };
  return { params: of("params"), tokens: of("tokens"), flops: of("flops"), loss: of("loss") };
}

/** Powers of ten around the budgets, up to 10 to 100 times the largest. */
function decades([low, high]: readonly [number, number]): number[] {
  const [first, last] = [Math.floor(Math.log10(low)), Math.floor(Math.log10(high)) + 2];
  return Array.from({ length: last - first + 1 }, (_, i) => 10 ** (first + i));
}

function allocationOf(
  { law, draws, flops, range }: {
    law: Law;
    draws: readonly Law[];
    flops: number;
    range: TrialRange;
  },
  level: number,
): ComputeAllocation {
  const best = optimumOf(law, flops);
  const about = { flops, range };
  const budget = {
    flops,
    beyond: flops / range.flops[1],
    outside: isBeyond(best, about),
  };
  const skipped = undeterminedOptimum(best, about);
  if (skipped !== undefined) return { ...budget, skipped };
  const drawn = draws.map((draw) => optimumOf(draw, flops));
  const of = (key: "params" | "tokens" | "ratio") =>
    markUndetermined(estimateLog(best[key], drawn.map((o) => o[key]), { level }), "amount");
  return {
    ...budget,
    params: of("params"),
    tokens: of("tokens"),
    ratio: of("ratio"),
    loss: markUndetermined(estimate(best.loss, drawn.map((o) => o.loss), { level }), "loss"),
  };
}

/** Fits the same trials with each count of parameters. */
function countsOf(trials: Trials, { count, law }: { count: Count; law: Law }): ByCount[] {
  return Object.entries(trials.points).flatMap(([name, points]) => {
    const own = name === count ? law : chinchillaLaw(points ?? [], COARSE);
    if (own === undefined) return [];
    const { alpha, beta } = own;
    return [{ count: name as Count, alpha, beta, ...exponentsOf(own) }];
  });
}
