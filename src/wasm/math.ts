/**
 * Elementary functions over four f32, from IEEE operations and fused multiply-add alone, so that
 * their bits are the same on every computer that fuses. Errors are stated in ulp: units in the last
 * place of the exact result. NaN gives NaN. Coefficients of polynomials are minimax fits of the
 * relative error, rounded to f32 one after another from the lowest power up.
 */
import type { Body } from "./body.ts";
import type { V128 } from "./values.ts";
import { f32x4, i32x4, v128 } from "./vectors.ts";

/** Adding it to a number below 2^22 rounds that to a whole number, in the low bits of the sum. */
export const MAGIC = 1.5 * 2 ** 23;
/** ln 2 in two parts; whole numbers below 2^9 times the first are exact in f32. */
const [LN2_HIGH, LN2_LOW] = [0.693145751953125, 1.428606765330187e-6];
/** Above, e^x overflows; below, it is less than half the smallest subnormal. */
const [EXP_MAX, EXP_MIN] = [88.8, -104.2];
/** Above, tanh x rounds to 1. */
const TANH_MAX = 9.1;
const BIAS = 127;

/** The polynomial with coefficients from the highest power down. */
export function polynomialVector(b: Body, x: V128, coefficients: readonly number[]): V128 {
  const [first = 0, ...rest] = coefficients;
  return rest.reduce<V128>(
    (sum, c) => b.let(f32x4.madd(sum, x, f32x4.splat(c))),
    f32x4.splat(first),
  );
}

/** e^(x - n ln 2) - 1 where n is the nearest whole number to x / ln 2 (Cody and Waite, 1980). */
export function expm1Near(b: Body, x: V128, n: V128): V128 {
  const high = f32x4.nmadd(n, f32x4.splat(LN2_HIGH), x);
  const r = b.let(f32x4.nmadd(n, f32x4.splat(LN2_LOW), high));
  const p = polynomialVector(b, r, [
    1.3863489730283618e-3,
    8.367620408535004e-3,
    4.166724532842636e-2,
    1.6666533052921295e-1,
    0.5,
  ]);
  return b.let(f32x4.madd(f32x4.mul(r, r), p, r));
}

/** e^x within 1.1 ulp. */
export function expVector(b: Body, x: V128): V128 {
  const clamped = b.let(
    f32x4.pmax(f32x4.pmin(x, f32x4.splat(EXP_MAX)), f32x4.splat(EXP_MIN)),
  );
  // 2^n may overflow or be subnormal where e^x is neither, so it is a product of two powers: of h,
  // about n / 2, and of n - h. The biases are in the constants, so a shift makes a power.
  const n = b.let(
    f32x4.madd(clamped, f32x4.splat(Math.LOG2E), f32x4.splat(MAGIC + 2 * BIAS)),
  );
  const h = b.let(f32x4.madd(clamped, f32x4.splat(Math.LOG2E / 2), f32x4.splat(MAGIC + BIAS)));
  const q = expm1Near(b, clamped, b.let(f32x4.sub(n, f32x4.splat(MAGIC + 2 * BIAS))));
  const first = b.let(i32x4.shl(h, 23));
  const second = i32x4.shl(i32x4.sub(n, h), 23);
  return b.let(f32x4.mul(f32x4.madd(q, first, first), second));
}

/**
 * tanh x within 1.7 ulp, odd to the bit: h / (h + 1) where h = (e^2|x| - 1) / 2. To round less, it
 * is computed as the difference from a = min(|x|, 1): a + (h - a - a h) / (h + 1).
 */
export function tanhVector(b: Body, x: V128): V128 {
  const one = f32x4.splat(1);
  const size = b.let(f32x4.pmin(f32x4.abs(x), f32x4.splat(TANH_MAX)));
  const twice = b.let(f32x4.add(size, size));
  // The bias gives 2^(n - 1) as a power.
  const bias = f32x4.splat(MAGIC + BIAS - 1);
  const shifted = b.let(f32x4.madd(size, f32x4.splat(2 * Math.LOG2E), bias));
  const q = expm1Near(b, twice, b.let(f32x4.sub(shifted, bias)));
  const power = b.let(i32x4.shl(shifted, 23));
  const h = b.let(f32x4.madd(q, power, f32x4.sub(power, f32x4.splat(0.5))));
  const a = b.let(f32x4.pmin(size, one));
  const rest = f32x4.nmadd(a, h, f32x4.sub(h, a));
  const y = f32x4.add(a, f32x4.div(rest, f32x4.add(h, one)));
  return b.let(v128.or(y, v128.and(x, i32x4.splat(0x80000000))));
}

/** Bits of the f32 below sqrt(1/2), where the mantissas of {@linkcode logVector} begin. */
const SQRT_HALF = 0x3f3504f3;

/** Natural logarithm within 1 ulp; -Infinity at 0, NaN below. */
export function logVector(b: Body, x: V128): V128 {
  const isSmall = b.let(f32x4.lt(x, f32x4.splat(2 ** -126)));
  const scaled = v128.select(isSmall, f32x4.mul(x, f32x4.splat(2 ** 23)), x);
  // x = 2^exponent * mantissa, and mantissa is in [sqrt(1/2), sqrt(2)).
  const bits = b.let(i32x4.sub(scaled, i32x4.splat(SQRT_HALF)));
  const exponent = i32x4.sub(i32x4.shr(bits, 23), v128.and(isSmall, i32x4.splat(23)));
  const mantissa = i32x4.add(v128.and(bits, i32x4.splat(0x7fffff)), i32x4.splat(SQRT_HALF));
  const r = b.let(f32x4.sub(mantissa, f32x4.splat(1)));
  const n = b.let(f32x4.fromInt(exponent));
  const square = b.let(f32x4.mul(r, r));
  const p = polynomialVector(b, r, [
    6.749269366264343e-2,
    -1.1670098453760147e-1,
    1.1883548647165298e-1,
    -1.2406233698129654e-1,
    1.4220358431339264e-1,
    -1.6667988896369934e-1,
    2.000207155942917e-1,
    -2.5000008940696716e-1,
    3.333331346511841e-1,
  ]);
  const cubic = f32x4.mul(f32x4.mul(square, r), p);
  const low = f32x4.madd(n, f32x4.splat(LN2_LOW), cubic);
  const sum = f32x4.add(r, f32x4.madd(square, f32x4.splat(-0.5), low));
  const y = f32x4.madd(n, f32x4.splat(LN2_HIGH), sum);
  // Infinity and NaN are their own logarithms; a NaN of all ones where x < 0.
  const below = b.let(v128.select(f32x4.lt(x, f32x4.splat(Infinity)), y, x));
  const edge = v128.or(f32x4.splat(-Infinity), f32x4.ne(x, f32x4.splat(0)));
  return b.let(v128.select(f32x4.le(x, f32x4.splat(0)), edge, below));
}
