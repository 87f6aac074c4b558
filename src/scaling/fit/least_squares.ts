/** Polynomial least squares, and a measure of collinearity. Wraps ml-matrix. */
import { Matrix, SingularValueDecomposition, solve } from "ml-matrix";
import { maxOf } from "../../base/extremes.ts";

/**
 * Weighted polynomial least squares: coefficients by ascending power. Undefined if fewer than
 * degree + 1 distinct x have a positive weight.
 */
export function polynomial(
  { x, y, weights }: { x: readonly number[]; y: readonly number[]; weights?: ArrayLike<number> },
  degree: number,
): number[] | undefined {
  const counted = x.map((_, i) => i).filter((i) => (weights?.[i] ?? 1) > 0);
  if (new Set(counted.map((i) => x[i])).size <= degree) return undefined;
  // Centre and scale x, so that the powers are well conditioned.
  const center = mean(counted.map((i) => x[i] as number));
  const spread = maxOf(counted.map((i) => Math.abs((x[i] as number) - center)));
  const rows = counted.map((i) => {
    const root = Math.sqrt(weights?.[i] ?? 1);
    const u = ((x[i] as number) - center) / spread;
    return Array.from({ length: degree + 1 }, (_, k) => root * u ** k);
  });
  const right = counted.map((i) => [Math.sqrt(weights?.[i] ?? 1) * (y[i] as number)]);
  const found = solve(new Matrix(rows), new Matrix(right)).to1DArray();
  return expand(found, { center, spread });
}

/** Coefficients in x of a polynomial in (x - center) / spread. */
function expand(
  found: readonly number[],
  { center, spread }: { center: number; spread: number },
): number[] {
  let powers = [1];
  const out = found.map(() => 0);
  for (const [k, value] of found.entries()) {
    powers.forEach((power, i) => out[i] = (out[i] as number) + value * power);
    if (k === found.length - 1) break;
    const next = Array.from({ length: k + 2 }, () => 0);
    powers.forEach((power, i) => {
      next[i] = (next[i] as number) - power * center / spread;
      next[i + 1] = (next[i + 1] as number) + power / spread;
    });
    powers = next;
  }
  return out;
}

/** Distance from collinearity in [0, 1]: ratio of the singular values of the centred points. */
export function breadth(x: readonly number[], y: readonly number[]): number {
  const [mx, my] = [mean(x), mean(y)];
  const rows = x.map((v, i) => [v - mx, (y[i] as number) - my]);
  const [first = 0, second = 0] = new SingularValueDecomposition(new Matrix(rows)).diagonal;
  return first === 0 ? 0 : second / first;
}

/** Mean of numbers. */
export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
