/** The exponential function for softmax: results that are subnormal are zero. */
import type { Body } from "./body.ts";
import { expm1Near, MAGIC } from "./math.ts";
import type { V128 } from "./values.ts";
import { f32x4, i32x4, v128 } from "./vectors.ts";

/** ln 2^-126: e to a smaller number is subnormal. */
const LEAST = -87.33654;
/** Leaves the biased exponent of 2^n in the low bits of the sum with n. */
const SHIFTED = MAGIC + 127;

/**
 * e^x for x of at most 88, within 1.1 ulp, or 0 where that is below 2^-126: the arithmetic of
 * subnormals is slow. NaN gives NaN.
 */
export function expNormal(b: Body, x: V128): V128 {
  const shifted = b.let(f32x4.madd(x, f32x4.splat(Math.LOG2E), f32x4.splat(SHIFTED)));
  const q = expm1Near(b, x, b.let(f32x4.sub(shifted, f32x4.splat(SHIFTED))));
  const power = b.let(i32x4.shl(shifted, 23));
  return b.let(v128.andNot(f32x4.madd(q, power, power), f32x4.lt(x, f32x4.splat(LEAST))));
}
