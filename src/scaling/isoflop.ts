/**
 * IsoFLOP curves: per budget a parabola of the loss in log N, its minimum, and how the minima move
 * with the budget. Source: Hoffmann et al. (2022), section 3.2.
 */
import { maxOf, minOf } from "../base/extremes.ts";
import { bootstrap, drawKey, estimate, estimateLog } from "./bootstrap.ts";
import { countDistinct, groupsOf } from "./distinct.ts";
import { mean, polynomial } from "./least_squares.ts";
import type { BootstrapOptions, Estimate, Point } from "./types.ts";

/** One budget. */
export interface Budget {
  /** Geometric mean of its trials' FLOP. */
  readonly flops: number;
  readonly points: number;
  /** The smallest and the largest size. */
  readonly range: readonly [number, number];
  /** Loss = c0 + c1 u + c2 u^2 with u = log10 N. */
  readonly coefficients: readonly [number, number, number];
  /** Undefined where the parabola has no minimum between the smallest and the largest size. */
  readonly minimum?: {
    readonly params: Estimate;
    readonly tokens: Estimate;
    readonly loss: Estimate;
  };
}

/** All budgets, and the exponents of N_opt = k C^a, D_opt = l C^b. */
export interface IsoflopFit {
  readonly budgets: readonly Budget[];
  readonly exponents: { readonly a: Estimate; readonly b: Estimate } | { readonly skipped: string };
  readonly redrawn: number;
}

/** Trials whose FLOP differ by less than this factor are of one budget. */
export const ONE_BUDGET = 1.2;
/** Sizes that a budget's parabola, and budgets that exponents need. */
export const ISOFLOP_NEEDS = { sizes: 3, budgets: 2 } as const;

interface Bottom {
  readonly params: number;
  readonly tokens: number;
  readonly loss: number;
}

/** The fit; where there is none, why. */
export function fitIsoflop(
  points: readonly Point[],
  { draws, seed, level }: BootstrapOptions,
): IsoflopFit | { readonly skipped: string } {
  const groups = groupsOf(points.map((p) => p.flops), ONE_BUDGET)
    .map((group) => group.map((i) => points[i] as Point))
    .filter((group) => countDistinct(group.map((p) => p.params)) >= ISOFLOP_NEEDS.sizes);
  if (groups.length === 0) {
    return {
      skipped: `need at least ${ISOFLOP_NEEDS.sizes} sizes at one budget: got no such budget`,
    };
  }
  const found = groups.map((points) => ({ points, bottom: bottomOf(points) }));
  const inside = found.filter(({ bottom }) => bottom !== undefined);
  // Three trials drawn three times are the same three, or determine no parabola.
  const spread = inside.filter(({ points }) => points.length > ISOFLOP_NEEDS.sizes);
  const resampled = bootstrap(drawKey(seed, "isoflop"), {
    sizes: spread.map(({ points }) => points.length),
    draws: spread.length === 0 ? 0 : draws,
    fit: (...counts) => {
      const bottoms = spread.map(({ points }, i) => bottomOf(points, counts[i]));
      return bottoms.every((bottom) => bottom !== undefined) ? bottoms as Bottom[] : undefined;
    },
  });
  return {
    budgets: found.map((budget) =>
      budgetOf(budget, {
        drawn: spread.includes(budget)
          ? resampled.values.map((bottoms) => bottoms[spread.indexOf(budget)] as Bottom)
          : [],
        level,
      })
    ),
    exponents: exponentsFrom({ inside, spread, draws: resampled.values }, level),
    redrawn: resampled.redrawn,
  };
}

interface Found {
  readonly points: readonly Point[];
  readonly bottom: Bottom | undefined;
}

function budgetOf(
  { points, bottom }: Found,
  { drawn, level }: { drawn: readonly Bottom[]; level: number },
): Budget {
  const sizes = points.map((p) => p.params);
  const of = (key: keyof Bottom) =>
    estimateLog((bottom as Bottom)[key], drawn.map((b) => b[key]), {
      level,
      free: { n: points.length, p: 3 },
    });
  return {
    flops: flopsOf(points),
    points: points.length,
    range: [minOf(sizes), maxOf(sizes)],
    coefficients: parabola(points) as [number, number, number],
    ...(bottom !== undefined && {
      minimum: { params: of("params"), tokens: of("tokens"), loss: of("loss") },
    }),
  };
}

/** Over the budgets that can be drawn from; over all, without an interval, where those are few. */
function exponentsFrom(
  { inside, spread, draws }: {
    inside: readonly Found[];
    spread: readonly Found[];
    draws: readonly (readonly Bottom[])[];
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
  const n = used.reduce((sum, { points }) => sum + points.length, 0);
  const of = (key: "params" | "tokens") =>
    estimate(
      growth(at, used.map(({ bottom }) => (bottom as Bottom)[key])),
      enough ? draws.map((bottoms) => growth(at, bottoms.map((b) => b[key]))) : [],
      { level, free: { n, p: 3 * used.length } },
    );
  return { a: of("params"), b: of("tokens") };
}

/** Geometric mean of the trials' FLOP. */
function flopsOf(points: readonly Point[]): number {
  return Math.exp(mean(points.map((p) => Math.log(p.flops))));
}

/** Coefficients of the loss in log10 N. */
function parabola(group: readonly Point[], weights?: ArrayLike<number>): number[] | undefined {
  const x = group.map((p) => Math.log10(p.params));
  const y = group.map((p) => p.loss);
  return polynomial({ x, y, ...(weights !== undefined && { weights }) }, 2);
}

/** Where a budget's parabola is lowest, with the tokens that its trials of that size would have. */
function bottomOf(group: readonly Point[], weights?: ArrayLike<number>): Bottom | undefined {
  const found = parabola(group, weights);
  if (found === undefined) return undefined;
  const [c0, c1, c2] = found as [number, number, number];
  const x = group.map((p) => Math.log10(p.params));
  const u = -c1 / (2 * c2);
  if (!(c2 > 0) || u < minOf(x) || u > maxOf(x)) return undefined;
  const line = polynomial({ x, y: group.map((p) => Math.log10(p.tokens)) }, 1);
  if (line === undefined) return undefined;
  const [constant, slope] = line as [number, number];
  return { params: 10 ** u, tokens: 10 ** (constant + slope * u), loss: c0 + c1 * u / 2 };
}

/** The exponent of y as a power of x. */
function growth(x: readonly number[], y: readonly number[]): number {
  const line = polynomial({ x: x.map(Math.log), y: y.map(Math.log) }, 1);
  return line?.[1] ?? NaN;
}
