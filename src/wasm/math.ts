/**
 * Elementary functions over four f32, from IEEE operations and fused multiply-add alone, so that
 * their bits are the same on every computer that fuses.
 */
import type { Body } from "./body.ts";
import type { V128 } from "./values.ts";
import { f32x4, i32x4, v128 } from "./vectors.ts";

/** Adding it to a number below 2^22 rounds that to a whole number, in the low bits. */
const MAGIC = 1.5 * 2 ** 23;
const LN2_HIGH = 0.693145751953125;
const LN2_LOW = 1.428606765330187e-6;
/** Above, e^x overflows; below, it is less than half the smallest subnormal. */
const [EXP_MAX, EXP_MIN] = [88.8, -104.2];

/** The polynomial with coefficients from the highest power down. */
function polynomial(b: Body, x: V128, coefficients: readonly number[]): V128 {
  const [first = 0, ...rest] = coefficients;
  return rest.reduce<V128>(
    (sum, c) => b.let(f32x4.madd(sum, x, f32x4.splat(c))),
    f32x4.splat(first),
  );
}

/** e^x: range reduction by ln 2 in two parts (Cody and Waite, 1980), then a polynomial. */
export function expVector(b: Body, x: V128): V128 {
  const clamped = b.let(
    f32x4.pmax(f32x4.pmin(x, f32x4.splat(EXP_MAX)), f32x4.splat(EXP_MIN)),
  );
  const shifted = b.let(f32x4.madd(clamped, f32x4.splat(Math.LOG2E), f32x4.splat(MAGIC)));
  const n = b.let(f32x4.sub(shifted, f32x4.splat(MAGIC)));
  const high = f32x4.nmadd(n, f32x4.splat(LN2_HIGH), clamped);
  const r = b.let(f32x4.nmadd(n, f32x4.splat(LN2_LOW), high));
  const p = polynomial(b, r, [
    1.9875691500e-4,
    1.3981999507e-3,
    8.3334519073e-3,
    4.1665795894e-2,
    1.6666665459e-1,
    5.0000001201e-1,
  ]);
  const y = b.let(f32x4.add(f32x4.madd(f32x4.mul(r, r), p, r), f32x4.splat(1)));
  // Two factors: 2^n itself may overflow or be subnormal where the result is not.
  const whole = b.let(i32x4.sub(shifted, f32x4.splat(MAGIC)));
  const half = b.let(i32x4.shr(whole, 1));
  const power = (e: V128) => i32x4.shl(i32x4.add(e, i32x4.splat(127)), 23);
  return b.let(f32x4.mul(f32x4.mul(y, power(half)), power(i32x4.sub(whole, half))));
}

/** tanh x: an odd polynomial near 0, else 1 - 2 / (e^2|x| + 1) with the sign of x. */
export function tanhVector(b: Body, x: V128): V128 {
  const size = b.let(f32x4.abs(x));
  const e = expVector(b, f32x4.add(size, size));
  const one = f32x4.splat(1);
  const far = f32x4.sub(one, f32x4.div(f32x4.splat(2), f32x4.add(e, one)));
  const signed = b.let(v128.or(far, v128.and(x, i32x4.splat(0x80000000))));
  const square = b.let(f32x4.mul(x, x));
  const p = polynomial(b, square, [
    -5.70498872745e-3,
    2.06390887954e-2,
    -5.37397155531e-2,
    1.33314422036e-1,
    -3.33332819422e-1,
  ]);
  const near = b.let(f32x4.madd(f32x4.mul(square, p), x, x));
  return b.let(v128.select(f32x4.lt(size, f32x4.splat(0.625)), near, signed));
}

/** Natural logarithm. */
export function logVector(b: Body, x: V128): V128 {
  const isSmall = b.let(f32x4.lt(x, f32x4.splat(2 ** -126)));
  const scaled = b.let(v128.select(isSmall, f32x4.mul(x, f32x4.splat(2 ** 23)), x));
  const bits = b.let(i32x4.sub(scaled, i32x4.splat(0x3f3504f3)));
  const exponent = b.let(
    i32x4.sub(i32x4.shr(bits, 23), v128.and(isSmall, i32x4.splat(23))),
  );
  const mantissa = i32x4.add(v128.and(bits, i32x4.splat(0x7fffff)), i32x4.splat(0x3f3504f3));
  const r = b.let(f32x4.sub(mantissa, f32x4.splat(1)));
  const n = b.let(f32x4.fromInt(exponent));
  const square = b.let(f32x4.mul(r, r));
  const p = polynomial(b, r, [
    7.0376836292e-2,
    -1.1514610310e-1,
    1.1676998740e-1,
    -1.2420140846e-1,
    1.4249322787e-1,
    -1.6668057665e-1,
    2.0000714765e-1,
    -2.4999993993e-1,
    3.3333331174e-1,
  ]);
  const cubic = f32x4.mul(f32x4.mul(square, r), p);
  const low = f32x4.madd(n, f32x4.splat(-2.12194440e-4), cubic);
  const sum = f32x4.add(r, f32x4.madd(square, f32x4.splat(-0.5), low));
  const y = b.let(f32x4.madd(n, f32x4.splat(0.693359375), sum));
  const isInfinite = f32x4.eq(x, f32x4.splat(Infinity));
  const atZero = v128.select(f32x4.eq(x, f32x4.splat(0)), f32x4.splat(-Infinity), y);
  const inRange = b.let(v128.select(isInfinite, x, atZero));
  const isValid = f32x4.ge(x, f32x4.splat(0));
  return b.let(v128.select(isValid, inRange, f32x4.splat(NaN)));
}

/** Sine of radians. */
export function sinVector(b: Body, x: V128): V128 {
  return sinusoid(b, x, 0);
}

/** Cosine of radians. */
export function cosVector(b: Body, x: V128): V128 {
  return sinusoid(b, x, 1);
}

/** sin(x + quarter * pi / 2): reduction to [-pi/4, pi/4], then one of two polynomials. */
function sinusoid(b: Body, x: V128, quarter: 0 | 1): V128 {
  const shifted = b.let(f32x4.madd(x, f32x4.splat(2 / Math.PI), f32x4.splat(MAGIC)));
  const n = b.let(f32x4.sub(shifted, f32x4.splat(MAGIC)));
  const parts = [1.5707963705062866, -4.371139000186241e-8, -1.7151245100059696e-15];
  const r = parts.reduce((a, part) => b.let(f32x4.nmadd(n, f32x4.splat(part), a)), x);
  const square = b.let(f32x4.mul(r, r));
  const s = polynomial(b, square, [-1.9515295891e-4, 8.3321608736e-3, -1.6666654611e-1]);
  const sine = b.let(f32x4.madd(f32x4.mul(square, s), r, r));
  const c = polynomial(b, square, [
    2.443315711809948e-5,
    -1.388731625493765e-3,
    4.166664568298827e-2,
    -0.5,
  ]);
  const cosine = b.let(f32x4.madd(square, c, f32x4.splat(1)));
  const turn = b.let(i32x4.add(shifted, i32x4.splat(quarter)));
  const odd = i32x4.eq(v128.and(turn, i32x4.splat(1)), i32x4.splat(1));
  const sign = i32x4.shl(v128.and(turn, i32x4.splat(2)), 30);
  return b.let(v128.xor(v128.select(odd, cosine, sine), sign));
}
