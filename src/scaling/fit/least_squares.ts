/** Least squares in few unknowns, and how far points are from lying on a line. Wraps ml-matrix. */
import { Matrix, SingularValueDecomposition, solve } from "ml-matrix";
import { maxOf } from "../../base/extremes.ts";

/**
 * The polynomial of a degree through points (x, y), each as often as `weights` says: coefficients
 * from the constant on. Undefined where fewer than degree + 1 places x count.
 */
export function polynomial(
  { x, y, weights }: { x: readonly number[]; y: readonly number[]; weights?: ArrayLike<number> },
  degree: number,
): number[] | undefined {
  const counted = x.map((_, i) => i).filter((i) => (weights?.[i] ?? 1) > 0);
  if (new Set(counted.map((i) => x[i])).size <= degree) return undefined;
  // Powers of what is left of x less its mean, in units of its spread, are far from alike.
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

/**
 * How far points in the plane are from a line, in [0, 1]: the smaller singular value of their
 * offsets over the larger one.
 */
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
