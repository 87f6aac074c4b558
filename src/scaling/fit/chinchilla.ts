/**
 * Fits L(N, D) = E + A / N^alpha + B / D^beta to finished trials: sum of Huber losses of log L,
 * L-BFGS from a grid of starts, bootstrap, leave-one-out. Source: Hoffmann et al. (2022), section
 * 3.3 and appendix D.3, including the grid of starts.
 */
import { maxOf, minOf } from "../../base/extremes.ts";
import { UserError } from "../../base/user_error.ts";
import { bootstrap, drawKey, estimate, estimateLog } from "./bootstrap.ts";
import { countDistinct } from "./distinct.ts";
import { minimize } from "./lbfgs.ts";
import { exponentsOf, type Law, lossOf } from "./law.ts";
import { breadth } from "./least_squares.ts";
import { centred, constantsOf, type Fit, fitFrom, huberSum, logLossAt } from "./power_sum.ts";
import { type PowerData, powerData } from "./power_sum.ts";
import { qualityOf } from "./quality.ts";
import { markUndetermined, STEEPEST } from "./undetermined.ts";
import type { BootstrapRun, Estimate, Quality, ScalingPoint } from "../types.ts";

/** A fitted law. */
export interface ChinchillaFit {
  readonly law: Law;
  /** Constants, and exponents of the optimum, with intervals. */
  readonly estimates: Readonly<Record<"E" | "A" | "B" | "alpha" | "beta" | "a" | "b", Estimate>>;
  /** The sum of Huber losses at the optimum. */
  readonly objective: number;
  readonly starts: number;
  /** Starts that converged to this optimum. */
  readonly agree: number;
  readonly quality: Quality;
  /** log(loss / predicted loss) per point. */
  readonly residuals: readonly number[];
  /** Leave-one-out residuals. */
  readonly leftOut: readonly number[];
  readonly draws: readonly Law[];
  readonly redrawn: number;
}

/** Minimum points, sizes and token counts to determine five constants. */
export const NEEDS = { points: 6, sizes: 3, tokens: 3 } as const;
/** Minimum ratio of singular values of points (log N, log D). */
const BREADTH = 0.02;

/** Losses within this factor count as equal. */
const SAME_LOSS = 1 + 1e-9;

/** Grid values of starts: log A, alpha, log B, beta, log E. */
export interface Grid {
  readonly a: readonly number[];
  readonly alpha: readonly number[];
  readonly e: readonly number[];
}

/** The paper's 4,500 starts; B and beta use the values of A and alpha. */
export const GRID: Grid = {
  a: [0, 5, 10, 15, 20, 25],
  alpha: [0, 0.5, 1, 1.5, 2],
  e: [-1, -0.5, 0, 0.5, 1],
};

/** A tenth of the starts, for laws that are only compared. */
export const COARSE: Grid = { a: [0, 5, 10, 15, 20], alpha: [0.25, 0.75, 1.5], e: [-0.5, 0.5] };

/** Why points do not determine a law; undefined if they do. */
export function chinchillaNeeds(points: readonly ScalingPoint[]): string | undefined {
  const sizes = countDistinct(points.map((p) => p.params));
  const tokens = countDistinct(points.map((p) => p.tokens));
  if (points.length < NEEDS.points || sizes < NEEDS.sizes || tokens < NEEDS.tokens) {
    return `need at least ${NEEDS.points} trials of ${NEEDS.sizes} sizes and ${NEEDS.tokens} token ` +
      `counts: got ${points.length} of ${sizes} and ${tokens}`;
  }
  const losses = points.map((p) => p.loss);
  if (maxOf(losses) / minOf(losses) < SAME_LOSS) {
    return `need losses that differ: got ${losses[0]} in each of ${points.length} trials`;
  }
  const broad = breadth(
    points.map((p) => Math.log(p.params)),
    points.map((p) => Math.log(p.tokens)),
  );
  if (broad >= BREADTH) return undefined;
  const budgets = countDistinct(points.map((p) => p.flops));
  return "need at least 2 budgets or 2 ratios of tokens to parameters, for along one line in log N " +
    `and log D the two terms are alike: got ${budgets === 1 ? "1 budget" : "1 line"}`;
}

/** Fits the law. @throws {UserError} `data` when points are too few or degenerate. */
export function fitChinchilla(
  points: readonly ScalingPoint[],
  { draws, seed, level, tell }: BootstrapRun,
  grid: Grid = GRID,
): ChinchillaFit {
  const need = chinchillaNeeds(points);
  if (need !== undefined) throw new UserError("data", `Cannot fit L(N, D): ${need}`);
  const data = powerData([points.map((p) => p.params), points.map((p) => p.tokens)], [
    ...points.map((p) => p.loss),
  ]);
  tell?.("the law of N and D", 0, draws);
  const starts = startsOf(grid, data);
  const fit = fitFrom(data, starts);
  const law = lawOf(fit.best.x, data);
  if (law.alpha > STEEPEST || law.beta > STEEPEST || !isFinite(law)) {
    throw new UserError(
      "data",
      "Cannot fit L(N, D): need a loss that falls as a power of parameters and of tokens: it falls " +
        `in one step between two of them: alpha ${three(law.alpha)}, beta ${three(law.beta)}`,
    );
  }
  if (!(law.alpha > 0 && law.beta > 0)) {
    throw new UserError(
      "data",
      "Cannot fit L(N, D): need a loss that falls with parameters and with tokens: the best law " +
        `has alpha ${three(law.alpha)} and beta ${three(law.beta)}`,
    );
  }
  const resampled = bootstrap(drawKey(seed, "chinchilla"), {
    sizes: [points.length],
    draws,
    told: (done) => tell?.("the law of N and D", done, draws),
    fit: (counts) => {
      if (!determines(points, counts)) return undefined;
      const drawn = lawOf(minimumOf(data, fit, counts), data);
      return isFinite(drawn) ? drawn : undefined;
    },
  });
  const residuals = points.map((p) => Math.log(p.loss / lossOf(law, p)));
  const leftOut = points.map((p, i) => {
    const others = minimumOf(data, fit, points.map((_, k) => k === i ? 0 : 1));
    return Math.log(p.loss) - logLossAt(others, data, i);
  });
  const logLoss = [...data.logLoss];
  return {
    law,
    estimates: estimatesOf(law, resampled.values, level),
    objective: fit.best.value,
    starts: starts.length,
    agree: fit.agree,
    quality: qualityOf({ logLoss, residuals, leftOut }),
    residuals,
    leftOut,
    draws: resampled.values,
    redrawn: resampled.redrawn,
  };
}

/** The law without bootstrap and leave-one-out; undefined if undetermined. */
export function chinchillaLaw(points: readonly ScalingPoint[], grid: Grid = GRID): Law | undefined {
  if (chinchillaNeeds(points) !== undefined) return undefined;
  const data = powerData(
    [points.map((p) => p.params), points.map((p) => p.tokens)],
    points.map((p) => p.loss),
  );
  return lawOf(fitFrom(data, startsOf(grid, data)).best.x, data);
}

function startsOf({ a, alpha, e }: Grid, data: PowerData): Float64Array[] {
  const terms = a.flatMap((log) => alpha.map((power) => [log, power]));
  return terms.flatMap((first) =>
    terms.flatMap((second) => e.map((last) => centred([...first, ...second, last], data)))
  );
}

/** The lowest minimum with other multiplicities of points, started from the fit's minima. */
function minimumOf(data: PowerData, { seeds }: Fit, counts: ArrayLike<number>): Float64Array {
  const objective = huberSum(data, counts);
  const minima = seeds.map((seed) => minimize(objective, seed, { gain: 1e-9 }));
  return minima.reduce((a, b) => b.value < a.value ? b : a).x;
}

function lawOf(theta: Float64Array, data: PowerData): Law {
  const { E, terms: [n, d] } = constantsOf(theta, data);
  if (n === undefined || d === undefined) throw new TypeError("Cannot read a law: need two terms");
  return { E, A: n.A, B: d.A, alpha: n.alpha, beta: d.alpha };
}

/** Three digits; rounding noise is shown as 0. */
function three(exponent: number): string {
  return Math.abs(exponent) < 1e-9 ? "0" : exponent.toPrecision(3);
}

function isFinite(law: Law): boolean {
  return Object.values(law).every(Number.isFinite);
}

/** Whether a draw determines five constants. */
function determines(points: readonly ScalingPoint[], counts: Float64Array): boolean {
  const drawn = points.filter((_, i) => (counts[i] as number) > 0);
  return drawn.length >= NEEDS.points - 1 &&
    countDistinct(drawn.map((p) => p.params)) >= NEEDS.sizes &&
    countDistinct(drawn.map((p) => p.tokens)) >= NEEDS.tokens;
}

function estimatesOf(
  law: Law,
  draws: readonly Law[],
  level: number,
): ChinchillaFit["estimates"] {
  const of = (read: (law: Law) => number) => estimate(read(law), draws.map(read), { level });
  const factor = (read: (law: Law) => number) =>
    markUndetermined(estimateLog(read(law), draws.map(read), { level }), "scale");
  return {
    E: of((l) => l.E),
    A: factor((l) => l.A),
    B: factor((l) => l.B),
    alpha: markUndetermined(of((l) => l.alpha), "power"),
    beta: markUndetermined(of((l) => l.beta), "power"),
    a: markUndetermined(of((l) => exponentsOf(l).a), "share"),
    b: markUndetermined(of((l) => exponentsOf(l).b), "share"),
  };
}
