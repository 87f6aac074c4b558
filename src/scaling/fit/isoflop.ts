/**
 * IsoFLOP profiles: per budget a parabola of the loss in log N and its minimum; power laws of the
 * minima. Source: Hoffmann et al. (2022), section 3.2.
 */
import { maxOf, minOf } from "../../base/extremes.ts";
import { bootstrap, drawKey, estimate, estimateLog } from "./bootstrap.ts";
import { countDistinct, groupsOf } from "./distinct.ts";
import { mean, polynomial } from "./least_squares.ts";
import { markUndetermined } from "./undetermined.ts";
import type { BootstrapRun, Estimate, ScalingPoint } from "../types.ts";

/** One budget. */
export interface Budget {
  /** Geometric mean of its trials' FLOP. */
  readonly flops: number;
  readonly points: number;
  /** The smallest and the largest size. */
  readonly range: readonly [number, number];
  /** Loss = c0 + c1 u + c2 u^2 with u = log10 N. */
  readonly coefficients: readonly [number, number, number];
  /** Undefined if the parabola has no minimum within the range of sizes. */
  readonly minimum?: {
    readonly params: Estimate;
    readonly tokens: Estimate;
    readonly loss: Estimate;
    /** Fraction of draws in which this budget has a minimum; null without draws. */
    readonly drawn: number | null;
  };
}

/** All budgets, and the exponents of N_opt = k C^a, D_opt = l C^b. */
export interface IsoflopFit {
  readonly budgets: readonly Budget[];
  readonly exponents: { readonly a: Estimate; readonly b: Estimate } | { readonly skipped: string };
  /** Draws replaced because too few budgets had a minimum. */
  readonly redrawn: number;
}

/** Trials whose FLOP are within this factor form one budget. */
export const ONE_BUDGET = 1.2;
/**
 * Minimum sizes for a parabola, trials for its intervals, budgets for exponents. 90 % intervals
 * from four trials cover the true value in only 70 % of cases, from five in 90 %.
 */
export const ISOFLOP_NEEDS = { sizes: 3, drawn: 5, budgets: 2 } as const;

interface ParabolaMinimum {
  readonly params: number;
  readonly tokens: number;
  readonly loss: number;
}

/** The fit, or why there is none. */
export function fitIsoflop(
  points: readonly ScalingPoint[],
  { draws, seed, level, tell }: BootstrapRun,
): IsoflopFit | { readonly skipped: string } {
  const groups = groupsOf(points.map((p) => p.flops), ONE_BUDGET)
    .map((group) => group.map((i) => points[i] as ScalingPoint))
    .filter((group) => countDistinct(group.map((p) => p.params)) >= ISOFLOP_NEEDS.sizes);
  if (groups.length === 0) {
    return {
      skipped: `need at least ${ISOFLOP_NEEDS.sizes} sizes at one budget: got no such budget`,
    };
  }
  const found = groups.map((points) => {
    const lowest = minimumFinder(points);
    return { points, lowest, minimum: lowest() };
  });
  const inside = found.filter(({ minimum }) => minimum !== undefined);
  const spread = inside.filter(({ points }) => points.length >= ISOFLOP_NEEDS.drawn);
  // With many budgets few draws have a minimum at each, so a draw counts for the budgets where it
  // has one. It needs as many as the exponents do, or all if there are fewer.
  const least = Math.min(spread.length, ISOFLOP_NEEDS.budgets);
  const resampled = bootstrap(drawKey(seed, "isoflop"), {
    sizes: spread.map(({ points }) => points.length),
    draws: spread.length === 0 ? 0 : draws,
    told: (done) => tell?.("isoFLOP minima", done, draws),
    fit: (...counts) => {
      const minima = spread.map(({ lowest }, i) => lowest(counts[i]));
      return minima.filter((minimum) => minimum !== undefined).length >= least ? minima : undefined;
    },
  });
  return {
    budgets: found.map((budget) =>
      budgetOf(budget, {
        draws: spread.includes(budget)
          ? resampled.values.map((minima) => minima[spread.indexOf(budget)])
          : [],
        level,
      })
    ),
    exponents: exponentsFrom({ inside, spread, draws: resampled.values }, level),
    redrawn: resampled.redrawn,
  };
}

interface Found {
  readonly points: readonly ScalingPoint[];
  readonly lowest: (weights?: ArrayLike<number>) => ParabolaMinimum | undefined;
  readonly minimum: ParabolaMinimum | undefined;
}

/** The minima of one draw per budget; undefined without a minimum within the sizes. */
type Draw = readonly (ParabolaMinimum | undefined)[];

function budgetOf(
  { points, minimum }: Found,
  { draws, level }: { draws: Draw; level: number },
): Budget {
  const sizes = points.map((p) => p.params);
  const drawn = draws.filter((draw) => draw !== undefined);
  const of = (key: keyof ParabolaMinimum) =>
    estimateLog((minimum as ParabolaMinimum)[key], drawn.map((b) => b[key]), {
      level,
      free: { n: points.length, p: 3 },
    });
  return {
    flops: flopsOf(points),
    points: points.length,
    range: [minOf(sizes), maxOf(sizes)],
    coefficients: parabola(points) as [number, number, number],
    ...(minimum !== undefined && {
      minimum: {
        params: of("params"),
        tokens: of("tokens"),
        loss: of("loss"),
        drawn: draws.length === 0 ? null : drawn.length / draws.length,
      },
    }),
  };
}

/**
 * Exponents over the budgets with enough trials for intervals; over all, without intervals, if
 * those are too few.
 */
function exponentsFrom(
  { inside, spread, draws }: {
    inside: readonly Found[];
    spread: readonly Found[];
    draws: readonly Draw[];
  },
  level: number,
): IsoflopFit["exponents"] {
  if (inside.length < ISOFLOP_NEEDS.budgets) {
    const skipped = `need at least ${ISOFLOP_NEEDS.budgets} budgets whose minimum lies between ` +
      `their sizes: got ${inside.length}`;
    return { skipped };
  }
  const enough = spread.length >= ISOFLOP_NEEDS.budgets;
  const used = enough ? spread : inside;
  const at = used.map(({ points }) => flopsOf(points));
  const of = (key: "params" | "tokens") => {
    const grown = (minima: Draw) => {
      const own = minima.flatMap((minimum, i) => minimum ? [[at[i] as number, minimum[key]]] : []);
      return growth(own.map(([x]) => x as number), own.map(([, y]) => y as number));
    };
    // Not widened as for one budget: over several budgets the draws already overestimate the
    // spread.
    const value = grown(used.map(({ minimum }) => minimum));
    return markUndetermined(estimate(value, enough ? draws.map(grown) : [], { level }), "share");
  };
  return { a: of("params"), b: of("tokens") };
}

/** Geometric mean of the trials' FLOP. */
function flopsOf(points: readonly ScalingPoint[]): number {
  return Math.exp(mean(points.map((p) => Math.log(p.flops))));
}

/** Coefficients of the loss in log10 N. */
function parabola(
  group: readonly ScalingPoint[],
  weights?: ArrayLike<number>,
): number[] | undefined {
  const x = group.map((p) => Math.log10(p.params));
  const y = group.map((p) => p.loss);
  return polynomial({ x, y, ...(weights !== undefined && { weights }) }, 2);
}

/**
 * Returns a function from weights of trials to the minimum of the weighted parabola, with tokens
 * interpolated at that size.
 */
function minimumFinder(group: readonly ScalingPoint[]): Found["lowest"] {
  const x = group.map((p) => Math.log10(p.params));
  const [least, most] = [minOf(x), maxOf(x)];
  const line = polynomial({ x, y: group.map((p) => Math.log10(p.tokens)) }, 1);
  return (weights) => {
    const found = parabola(group, weights);
    if (found === undefined || line === undefined) return undefined;
    const [c0, c1, c2] = found as [number, number, number];
    const u = -c1 / (2 * c2);
    if (!(c2 > 0) || u < least || u > most) return undefined;
    const [constant, slope] = line as [number, number];
    return { params: 10 ** u, tokens: 10 ** (constant + slope * u), loss: c0 + c1 * u / 2 };
  };
}

/** The exponent of y as a power of x. */
function growth(x: readonly number[], y: readonly number[]): number {
  const line = polynomial({ x: x.map(Math.log), y: y.map(Math.log) }, 1);
  return line?.[1] ?? NaN;
}
