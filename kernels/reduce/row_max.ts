/** The largest element of each row: x [..., D] -> [..., 1]. */
import type { Expr } from "../../src/graph/formula.ts";
import { div, formula, mul, select, sub } from "../../src/graph/formula.ts";
import { apply } from "../../src/graph/trace.ts";
import type { Grad, Io, Op, Spec, Tensor } from "../../src/graph/types.ts";
import { rowKernel } from "../emit/rows.ts";
import { pointwise } from "../pointwise/pointwise.ts";
import wgsl from "./row_max.wgsl" with { type: "text" };
import { rowCases, rowSizes, rowValue } from "./row_sizes.ts";
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
  name: "row_max",
  shape: ([x]) => [rowValue(x, "row_max")],
  launch({ inputs: [x] }, _, target) {
    const { rows, columns } = rowSizes(x as Spec);
    const { prelude, groups } = rowKernel(rows, columns, target);
    return [{ wgsl: prelude + wgsl, bindings: [{ input: 0 }, { output: 0 }], groups }];
  },
  reference({ inputs: [x], outputs: [y] }) {
    if (!x || !y) return;
    const { rows, columns } = rowSizes(x);
    for (let row = 0; row < rows; row++) {
      let top = -Infinity;
      for (let c = 0; c < columns; c++) top = Math.max(top, x.data[row * columns + c] as number);
      y.data[row] = top;
    }
  },
  cost({ inputs: [x] }) {
    const { rows, columns } = rowSizes(x as Spec);
    return { flops: rows * columns, bytes: 4 * rows * (columns + 1), terms: 1 };
  },
  vjp,
  cases: rowCases([1024, 128]),
};
