/** Sine and cosine over four f32; see math.ts. */
import type { Body } from "./body.ts";
import { MAGIC, polynomialVector } from "./math.ts";
import { f64, type I64, i64, withIntLane, withLane } from "./scalars.ts";
import type { V128 } from "./values.ts";
import { f32x4, i32x4, v128 } from "./vectors.ts";

/** pi / 2 in four parts; whole numbers below 2^12 times each but the last are exact in f32. */
const HALF_PI = [
  1.5703125,
  0.0004837512969970703,
  7.549533620476723e-8,
  2.5633440682570896e-12,
];
/** The largest size that the parts reduce: below 2^12 quarter turns. */
const LARGE = 6400;
/** 32 zero bits, then the first 256 bits of 2 / pi. */
const TWO_OVER_PI = 0xa2f9836e4e441529fc2757d1f534ddc0db6295993c439041fe5163abdebbc561n;

/** Sine of radians within 1.6 ulp; NaN at infinities. */
export function sinVector(b: Body, x: V128): V128 {
  return sinusoid(b, x, 0);
}

/** Cosine of radians within 1.6 ulp; NaN at infinities. */
export function cosVector(b: Body, x: V128): V128 {
  return sinusoid(b, x, 1);
}

/** sin(x + quarter * pi / 2): reduction to [-pi/4, pi/4], then one of two polynomials. */
function sinusoid(b: Body, x: V128, quarter: 0 | 1): V128 {
  const shifted = b.let(f32x4.madd(x, f32x4.splat(2 / Math.PI), f32x4.splat(MAGIC)));
  const n = b.let(f32x4.sub(shifted, f32x4.splat(MAGIC)));
  const [first, second, third, fourth] = HALF_PI.map(f32x4.splat) as [V128, V128, V128, V128];
  // Exact up to here; then r is rounded, and r - excess is nearer to the exact rest. An excess of +0
  // keeps the sign of a zero.
  const exact = b.let(f32x4.nmadd(n, second, f32x4.nmadd(n, first, x)));
  const r = b.variable(f32x4.nmadd(n, third, exact));
  const rounding = f32x4.madd(n, third, f32x4.sub(r, exact));
  const excess = b.variable(f32x4.madd(n, fourth, rounding));
  const turns = b.variable(shifted);
  const isLarge = b.let(f32x4.gt(f32x4.abs(x), f32x4.splat(LARGE)));
  b.if(v128.any(isLarge), () => {
    const large = reduceLarge(b, x);
    b.set(r, v128.select(isLarge, large.r, r));
    b.set(excess, v128.andNot(excess, isLarge));
    b.set(turns, v128.select(isLarge, large.turns, turns));
  });
  const square = b.let(f32x4.mul(r, r));
  const s = polynomialVector(b, square, [
    -1.9518098270054907e-4,
    8.332188241183758e-3,
    -1.6666655242443085e-1,
  ]);
  const sine = b.let(f32x4.sub(r, f32x4.nmadd(f32x4.mul(square, r), s, excess)));
  const c = polynomialVector(b, square, [
    2.4432327336398885e-5,
    -1.3887309469282627e-3,
    4.166664555668831e-2,
    -0.5,
  ]);
  const cosine = b.let(f32x4.madd(square, c, f32x4.splat(1)));
  const turn = b.let(quarter === 0 ? turns : i32x4.add(turns, i32x4.splat(quarter)));
  const isOdd = i32x4.shr(i32x4.shl(turn, 31), 31);
  const sign = i32x4.shl(v128.and(turn, i32x4.splat(2)), 30);
  return b.let(v128.xor(v128.select(isOdd, cosine, sine), sign));
}

/**
 * Quarter turns nearest to x (modulo 4) and the rest in radians, for |x| >= 2^7: the product with
 * the bits of 2 / pi that matter (Payne and Hanek, 1983), one lane at a time. Infinity gives NaN.
 */
function reduceLarge(b: Body, x: V128): { readonly r: V128; readonly turns: V128 } {
  const lanes = b.variable(f32x4.abs(x));
  const [r, turns] = [b.variable(x), b.variable(x)];
  const rotate = (a: V128) => v128.shuffle(a, a, [1, 2, 3, 0]);
  // Each iteration reduces lane 0 and rotates; after four, all lanes are back in their places.
  b.for({ to: 4 }, () => {
    const bits = b.let64(i64.ofLane(lanes, 0));
    const mantissa = b.let64(
      i64.or(i64.and(bits, i64.of(0x7fffff)), i64.of(0x800000)),
    );
    const position = b.let64(i64.sub(i64.shrUnsigned(bits, i64.of(23)), i64.of(120)));
    const { high, low } = windowOf(b, position);
    // Bits 32 to 95 of mantissa * window: two bits of quarter turns, 62 of their fraction.
    const upper = i64.shl(i64.mul(mantissa, i64.shrUnsigned(high, i64.of(32))), i64.of(32));
    const middle = i64.mul(mantissa, i64.and(high, i64.of(0xffffffff)));
    const lower = i64.shrUnsigned(i64.mul(mantissa, low), i64.of(32));
    const product = b.let64(i64.add(i64.add(upper, middle), lower));
    const nearest = i64.shrUnsigned(i64.add(product, i64.of(2n ** 61n)), i64.of(62));
    const fraction = i64.shr(i64.shl(product, i64.of(2)), i64.of(2));
    const angle = f64.times(f64.ofInt(fraction), Math.PI * 2 ** -63);
    b.set(r, rotate(withLane(r, 0, angle)));
    b.set(turns, rotate(withIntLane(turns, 0, i64.low(nearest))));
    b.set(lanes, rotate(lanes));
  });
  const sign = b.let(i32x4.shr(x, 31));
  const signed = v128.xor(r, v128.and(sign, i32x4.splat(0x80000000)));
  return {
    // x - x is NaN at infinities, else 0.
    r: b.let(f32x4.add(signed, f32x4.sub(x, x))),
    turns: b.let(i32x4.sub(v128.xor(turns, sign), sign)),
  };
}

/** 96 bits of 32 zero bits and 2 / pi, from bit `position` (below 160) on: 64 of them, then 32. */
function windowOf(b: Body, position: I64): { readonly high: I64; readonly low: I64 } {
  const word = b.let64(i64.shrUnsigned(position, i64.of(5)));
  const shift = b.let64(i64.and(position, i64.of(31)));
  const pair = (first: number): I64 => i64.of(TWO_OVER_PI >> BigInt(224 - 32 * first));
  const at = (offset: number): I64 =>
    b.let64(
      [3, 2, 1, 0].reduce(
        (other, k) => i64.selectEqual(word, i64.of(k), pair(k + offset), other),
        pair(4 + offset),
      ),
    );
  const [first, second] = [at(0), at(2)];
  const above = i64.shrUnsigned(i64.shrUnsigned(second, i64.of(1)), i64.sub(i64.of(63), shift));
  return {
    high: b.let64(i64.or(i64.shl(first, shift), above)),
    low: b.let64(i64.shrUnsigned(i64.shl(second, shift), i64.of(32))),
  };
}
