/** The exponential function for softmax: results that are subnormal are zero. */
import type { Body } from "./body.ts";
import type { V128 } from "./values.ts";
import { f32x4, i32x4, v128 } from "./vectors.ts";

/** ln 2 in two parts; whole numbers below 2^9 times the first are exact in f32. */
const [LN2_HIGH, LN2_LOW] = [0.693145751953125, 1.428606765330187e-6];
/** ln 2^-126: e to a smaller number is subnormal. */
const LEAST = -87.33654;
/** Adding it to n, a whole number, leaves n + 127 in the low bits of the sum. */
const MAGIC = 1.5 * 2 ** 23 + 127;

/** (e^r - 1 - r) / r^2 for |r| of at most ln 2 / 2: coefficients from the highest power down. */
const [FIRST, ...POLYNOMIAL] = [
  1.3863489730283618e-3,
  8.367620408535004e-3,
  4.166724532842636e-2,
  1.6666533052921295e-1,
  0.5,
] as const;

/**
 * e^x for x of at most 88, within 1 ulp, or 0 where that is below 2^-126: the arithmetic of subnormals
 * is slow. NaN gives NaN. Reduction by ln 2 in two parts (Cody and Waite, 1980), then a polynomial.
 */
export function expNormal(b: Body, x: V128): V128 {
  const shifted = b.let(f32x4.madd(x, f32x4.splat(Math.LOG2E), f32x4.splat(MAGIC)));
  const n = b.let(f32x4.sub(shifted, f32x4.splat(MAGIC)));
  const high = f32x4.nmadd(n, f32x4.splat(LN2_HIGH), x);
  const r = b.let(f32x4.nmadd(n, f32x4.splat(LN2_LOW), high));
  const p = POLYNOMIAL.reduce<V128>(
    (sum, c) => b.let(f32x4.madd(sum, r, f32x4.splat(c))),
    f32x4.splat(FIRST),
  );
  const q = b.let(f32x4.madd(f32x4.mul(r, r), p, r));
  const power = b.let(i32x4.shl(shifted, 23));
  return b.let(v128.andNot(f32x4.madd(q, power, power), f32x4.lt(x, f32x4.splat(LEAST))));
}
