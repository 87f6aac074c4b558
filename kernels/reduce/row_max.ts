/** The largest element of each row: x [..., D] -> [..., 1]. */
import type { Expr } from "../../src/graph/formula.ts";
import { div, formula, mul, select, sub } from "../../src/graph/formula.ts";
import { apply } from "../../src/graph/trace.ts";
import type { Grad, Io, Op, Tensor } from "../../src/graph/types.ts";
import { pointwise } from "../pointwise/pointwise.ts";
import wgsl from "./row_max.wgsl" with { type: "text" };
import { rowReduction } from "./row_reduction.ts";
import { VECTOR_MAX } from "./row_wasm.ts";
import { rowCases } from "./row_sizes.ts";
import { rowSum } from "./row_sum.ts";

/**
 * Largest elements f32 [..., 1] of the rows of `x` f32 [..., D], which are finite.
 * @throws {RangeError} when a row is empty.
 */
export function rowMax(x: Tensor): Tensor {
  return apply(rowMaxOp, [x]);
}

const IS_LARGEST = formula(2, (x, top) => select(sub(top as Expr, x as Expr), 0, 1));
const SHARE = formula(3, (hit, count, d) => div(mul(hit as Expr, d as Expr), count as Expr));

/** The gradient is shared evenly by the elements that are the largest, as in torch.amax. */
function vjp(
  { inputs: [x], outputs: [top] }: Io<Tensor>,
  [dy]: readonly Grad[],
): readonly Grad[] {
  if (!x || !top || !dy) return [];
  const hits = pointwise(IS_LARGEST, [x, top]);
  return [pointwise(SHARE, [hits, rowSum(hits), dy])];
}

/** The op behind {@linkcode rowMax}. */
export const rowMaxOp: Op = {
  ...rowReduction({
    name: "row_max",
    wgsl,
    vectors: VECTOR_MAX,
    first: -Infinity,
    next: Math.max,
    terms: () => 1,
  }),
  vjp,
  cases: rowCases([1024, 128]),
};
