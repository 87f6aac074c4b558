/**
 * Nonparametric bootstrap: resamples points with replacement; percentile intervals of the
 * estimates. Draw k is a pure function of the seed.
 */
import { fold, foldName, type Key, threefry } from "../../base/random.ts";
import type { BootstrapOptions, Estimate } from "../types.ts";

/** Default options. */
export const BOOTSTRAP: BootstrapOptions = { draws: 1000, seed: 0, level: 0.95 };

/** Minimum draws for an interval. */
const LEAST = 20;
/** Maximum degenerate draws in a row. */
const TRIES = 200;

/** The key of one fit's draws. */
export function drawKey(seed: number, fit: string): Key {
  return foldName([seed >>> 0, Math.floor(seed / 2 ** 32) >>> 0], fit);
}

/** Multiplicities of `n` points in a resample of size n. */
export function resample(key: Key, n: number): Float64Array {
  const counts = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    const at = Math.floor((threefry(key, i, 0)[0] / 2 ** 32) * n);
    counts[at] = (counts[at] as number) + 1;
  }
  return counts;
}

/** Results of the draws, and how many were redrawn. */
export interface Draws<T> {
  readonly values: readonly T[];
  /** Degenerate draws that were replaced. */
  readonly redrawn: number;
}

/**
 * Calls `fit` with the multiplicities of each draw, resampled per group; `sizes`: points per group.
 * A draw for which it returns undefined is redrawn; after too many in a row, the bootstrap ends
 * early with fewer values.
 */
export function bootstrap<T>(
  key: Key,
  { sizes, draws, fit, told }: {
    sizes: readonly number[];
    draws: number;
    /** Called with the number of finished draws. */
    told?: (done: number) => void;
    fit: (...counts: readonly Float64Array[]) => T | undefined;
  },
): Draws<T> {
  const values: T[] = [];
  let redrawn = 0;
  for (let draw = 0; draw < draws; draw++) {
    told?.(draw);
    let value: T | undefined;
    for (let again = 0; value === undefined && again < TRIES; again++) {
      const own = fold(fold(key, draw), again);
      value = fit(...sizes.map((n, group) => resample(fold(own, group), n)));
      if (value === undefined) redrawn++;
    }
    if (value === undefined) break;
    values.push(value);
  }
  return { values, redrawn };
}

/**
 * An estimate with the percentile interval of its draws at `level`. With `free`, the interval is
 * widened about the estimate by sqrt(n / (n - p)), because the residuals of p fitted constants to n
 * points underestimate the noise. Source: Davison and Hinkley, "Bootstrap Methods and their
 * Application" (1997), sections 5.3 and 6.2.
 */
export function estimate(
  value: number,
  draws: readonly number[],
  { level, free }: { level: number; free?: { n: number; p: number } },
): Estimate {
  const sorted = draws.filter((draw) => Number.isFinite(draw)).sort((a, b) => a - b);
  if (sorted.length < LEAST || (free !== undefined && free.n <= free.p)) {
    return { value, low: null, high: null };
  }
  const widen = free === undefined ? 1 : Math.sqrt(free.n / (free.n - free.p));
  const end = (part: number) => value + widen * (quantile(sorted, part) - value);
  return { value, low: end((1 - level) / 2), high: end((1 + level) / 2) };
}

/** As {@linkcode estimate}, on a logarithmic scale, for positive numbers. */
export function estimateLog(
  value: number,
  draws: readonly number[],
  options: { level: number; free?: { n: number; p: number } },
): Estimate {
  const { low, high } = estimate(Math.log(value), draws.map(Math.log), options);
  return {
    value,
    low: low === null ? null : Math.exp(low),
    high: high === null ? null : Math.exp(high),
  };
}

/** Quantile of sorted numbers with linear interpolation. */
export function quantile(sorted: readonly number[], part: number): number {
  const at = part * (sorted.length - 1);
  const i = Math.floor(at);
  const low = sorted[i] as number;
  return low + (at - i) * ((sorted[i + 1] ?? low) - low);
}
