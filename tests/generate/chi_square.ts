/** Pearson's chi-square test of counts against a distribution. */
import { assert } from "@std/assert";

/** Standard normal quantile at 1 - 1e-4. */
const Z = 3.719016485;

/** Pearson's statistic and its critical value at p = 1e-4. */
export interface ChiSquare {
  readonly statistic: number;
  readonly critical: number;
}

/**
 * Counts against probabilities. Cells that expect fewer than five are one cell, as is usual
 * (Cochran 1954); a count where nothing is expected makes the statistic infinite.
 */
export function chiSquare(counts: readonly number[], probabilities: readonly number[]): ChiSquare {
  const draws = counts.reduce((a, b) => a + b, 0);
  const cells = counts.map((count, i) => ({ count, expected: draws * (probabilities[i] ?? 0) }));
  if (cells.some(({ count, expected }) => expected === 0 && count > 0)) {
    return { statistic: Infinity, critical: 0 };
  }
  const small = cells.filter(({ expected }) => expected < 5);
  const merged = small.reduce(
    (sum, { count, expected }) => ({
      count: sum.count + count,
      expected: sum.expected + expected,
    }),
    { count: 0, expected: 0 },
  );
  const used = [...cells.filter(({ expected }) => expected >= 5), merged]
    .filter(({ expected }) => expected > 0);
  assert(used.length > 1, "Cannot test counts: need at least two cells");
  const statistic = used.reduce(
    (sum, { count, expected }) => sum + (count - expected) ** 2 / expected,
    0,
  );
  return { statistic, critical: criticalValue(used.length - 1) };
}

/** Wilson and Hilferty 1931: the cube root of chi-square over its freedom is nearly normal. */
export function criticalValue(freedom: number): number {
  const spread = 2 / (9 * freedom);
  return freedom * (1 - spread + Z * Math.sqrt(spread)) ** 3;
}
