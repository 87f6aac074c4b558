/**
 * Bootstrap: points drawn with replacement, and intervals from what is fitted to them.
 * Draw k of a seed is always the same one. It knows no law.
 */
import { fold, foldName, type Key, threefry } from "../../base/random.ts";
import type { BootstrapOptions, Estimate } from "../types.ts";

/** The options that a command starts from. */
export const BOOTSTRAP: BootstrapOptions = { draws: 1000, seed: 0, level: 0.95 };

/** Draws below which an interval would say nothing. */
const LEAST = 20;
/** Draws in a row that may determine no fit. */
const TRIES = 200;

/** The key that a seed gives the draws of one fit. */
export function drawKey(seed: number, fit: string): Key {
  return foldName([seed >>> 0, Math.floor(seed / 2 ** 32) >>> 0], fit);
}

/** How often each of `n` points was drawn, when n are drawn with replacement. */
export function resample(key: Key, n: number): Float64Array {
  const counts = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    const at = Math.floor((threefry(key, i, 0)[0] / 2 ** 32) * n);
    counts[at] = (counts[at] as number) + 1;
  }
  return counts;
}

/** What the draws gave, and how many were drawn again. */
export interface Draws<T> {
  readonly values: readonly T[];
  /** Draws that determine no fit, so that another one took their place. */
  readonly redrawn: number;
}

/**
 * What `fit` gives for each draw, told how often it holds each point, group by group: `sizes` says
 * how many points each group has. A draw for which it gives undefined is drawn again; where that
 * happens too often in a row, there are fewer values than asked for.
 */
export function bootstrap<T>(
  key: Key,
  { sizes, draws, fit, told }: {
    sizes: readonly number[];
    draws: number;
    /** Told how many draws are done. */
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
 * A number with the interval that holds `level` of its draws. With `free`, it is widened about the
 * number by sqrt(n / (n - p)), for least squares of p constants lie closer to their n points than
 * the truth does. Source: Davison and Hinkley, "Bootstrap Methods and their Application" (1997),
 * sections 5.3 and 6.2.
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

/** The same for a positive number whose draws differ by factors: on its logarithm. */
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

/** Quantile of sorted numbers, linear between them. */
export function quantile(sorted: readonly number[], part: number): number {
  const at = part * (sorted.length - 1);
  const i = Math.floor(at);
  const low = sorted[i] as number;
  return low + (at - i) * ((sorted[i + 1] ?? low) - low);
}
