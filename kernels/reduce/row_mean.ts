/** Mean and variance of each row, x [..., D] -> [..., 1], as compositions. */
import { defineOp } from "../../src/graph/compose.ts";
import type { Expr } from "../../src/graph/formula.ts";
import { formula, mul, sub } from "../../src/graph/formula.ts";
import { apply } from "../../src/graph/trace.ts";
import type { Op, Tensor } from "../../src/graph/types.ts";
import { pointwise } from "../pointwise/pointwise.ts";
import { rowCases, rowValue } from "./row_sizes.ts";
import { rowSum } from "./row_sum.ts";

/** Means f32 [..., 1] of the rows of `x` f32 [..., D]. @throws {RangeError} when a row is empty. */
export function rowMean(x: Tensor): Tensor {
  return apply(rowMeanOp, [x]);
}

/** The op behind {@linkcode rowMean}. */
export const rowMeanOp: Op = defineOp({
  name: "row_mean",
  inputs: ["x"],
  compose({ x }) {
    rowValue(x, "row_mean");
    const columns = x.shape.at(-1) as number;
    return pointwise(formula(1, (sum) => mul(sum as Expr, 1 / columns)), [rowSum(x)]);
  },
  cases: rowCases([1024, 128]).map((test) => ({ ...test, range: { 0: [-0.5, 1] } })),
});

const SQUARED_DIFFERENCE = formula(2, (x, mean) => {
  const d = sub(x as Expr, mean as Expr);
  return mul(d, d);
});

/**
 * Variances f32 [..., 1] of the rows of `x` f32 [..., D]: the mean of the squared differences from
 * the mean (the biased estimate, as norms use it). @throws {RangeError} when a row is empty.
 */
export function rowVariance(x: Tensor): Tensor {
  return apply(rowVarianceOp, [x]);
}

/** The op behind {@linkcode rowVariance}. */
export const rowVarianceOp: Op = defineOp({
  name: "row_variance",
  inputs: ["x"],
  compose({ x }) {
    rowValue(x, "row_variance");
    return rowMean(pointwise(SQUARED_DIFFERENCE, [x, rowMean(x)]));
  },
  cases: rowCases([1024, 128]),
});
