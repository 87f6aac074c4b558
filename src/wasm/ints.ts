/** Integers that depend on comparisons. */
import type { Body } from "./body.ts";
import { I32 } from "./values.ts";

const [I32_LT_S, SELECT] = [0x48, 0x1b];
/** Exclusive upper bound of signed integers. */
const SIGNED_LIMIT = 2 ** 31;

/** The smaller of two integers, signed. */
export function smaller(b: Body, x: number | I32, y: number | I32): I32 {
  return extreme(b, [I32.of(x), I32.of(y)], false);
}

/** The larger of two integers, signed. */
export function larger(b: Body, x: number | I32, y: number | I32): I32 {
  return extreme(b, [I32.of(x), I32.of(y)], true);
}

function extreme(b: Body, [x, y]: readonly [I32, I32], isMax: boolean): I32 {
  if (x.max <= y.min) return isMax ? y : x;
  if (y.max <= x.min) return isMax ? x : y;
  if (Math.max(x.max, y.max) >= SIGNED_LIMIT || Math.min(x.min, y.min) < -SIGNED_LIMIT) {
    throw new RangeError("Cannot print a signed comparison: an operand may exceed 31 bits");
  }
  const [p, q] = [b.letInt(x), b.letInt(y)];
  const of = isMax ? Math.max : Math.min;
  const [then, otherwise] = isMax ? [q, p] : [p, q];
  return b.letInt(
    new I32([then.code, otherwise.code, p.code, q.code, I32_LT_S, SELECT], {
      min: of(p.min, q.min),
      max: of(p.max, q.max),
    }),
  );
}
