/** The addition of the reduction tree on vectors, bitwise equal to src/base/tree_add.ts. */
import { f32x4, i32x4, v128 } from "./vectors.ts";
import type { Body } from "./body.ts";
import type { V128 } from "./values.ts";

/** Bits of the exponent: zero in zeros and subnormals. */
const EXPONENT = i32x4.splat(0x7f800000);
const QUIET_NAN = i32x4.splat(0x7fc00000);

/** The sums of four elements of each side. */
export function treeAddVectors(b: Body, left: V128, right: V128): V128 {
  const total = b.let(f32x4.add(flush(left), flush(right)));
  return b.let(v128.select(f32x4.eq(total, total), flush(total), QUIET_NAN));
}

function flush(value: V128): V128 {
  const isSmall = i32x4.eq(v128.and(value, EXPONENT), v128.zero);
  return v128.andNot(value, isSmall);
}
