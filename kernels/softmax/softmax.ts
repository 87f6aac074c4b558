/**
 * Softmax over the last axis and its logarithm, with their gradients, as compositions with kernels of
 * their own. The largest element of a row is subtracted first, so that no exponential overflows; it
 * cancels, so no gradient goes through it.
 */
import { sameShape, showShape, sizeOf } from "../../src/base/shape.ts";
import { defineOp } from "../../src/graph/compose.ts";
import type { Expr } from "../../src/graph/formula.ts";
import { add, div, exp, formula, log, mul, sub } from "../../src/graph/formula.ts";
import { apply } from "../../src/graph/trace.ts";
import type { Case, Launch, Op, Spec, Target, Tensor } from "../../src/graph/types.ts";
import { pointwise } from "../pointwise/mod.ts";
import { rowMax, rowSum } from "../reduce/mod.ts";
import { rowSizes } from "../reduce/row_sizes.ts";
import { softmaxBackwardKernel, softmaxKernel } from "./softmax_wasm.ts";
import {
  LOG_SOFTMAX,
  LOG_SOFTMAX_BACKWARD,
  rowFunctionLaunch,
  SOFTMAX,
  SOFTMAX_BACKWARD,
} from "./softmax_wgsl.ts";
import type { RowFunction } from "./softmax_wgsl.ts";

/**
 * Softmax f32 [..., D] of the rows of `x` f32 [..., D], which are finite.
 * @throws {RangeError} when a row is empty.
 */
export function softmax(x: Tensor): Tensor {
  return apply(softmaxOp, [x]);
}

/**
 * Logarithm of {@linkcode softmax}, f32 [..., D], without underflow.
 * @throws {RangeError} when a row is empty.
 */
export function logSoftmax(x: Tensor): Tensor {
  return apply(logSoftmaxOp, [x]);
}

const two = (body: (a: Expr, b: Expr) => Expr) => formula(2, (a, b) => body(a as Expr, b as Expr));
const three = (body: (a: Expr, b: Expr, c: Expr) => Expr) =>
  formula(3, (a, b, c) => body(a as Expr, b as Expr, c as Expr));

const EXP_BELOW = two((x, top) => exp(sub(x, top)));
const RATIO = two(div);
const PRODUCT_OF = two(mul);
/** y * (dy - sum of dy * y) */
const SOFTMAX_SLOPE = three((y, dy, along) => mul(y, sub(dy, along)));
/** x - (top + log of the sum of exponentials) */
const LOG_RATIO = three((x, top, total) => sub(x, add(top, log(total))));
/** dy - exp(y) * sum of dy */
const LOG_SLOPE = three((y, dy, total) => sub(dy, mul(exp(y), total)));

function refuseEmpty(x: Tensor, op: string): void {
  if (x.shape.length > 0 && sizeOf(x.shape) > 0) return;
  throw new RangeError(`Cannot ${op} ${showShape(x.shape)}: a row has no elements`);
}

function refuseUnlike(y: Tensor, dy: Tensor, op: string): void {
  refuseEmpty(y, op);
  if (sameShape(y.shape, dy.shape)) return;
  throw new RangeError(`Cannot ${op} ${showShape(y.shape)} with dy ${showShape(dy.shape)}`);
}

function launch(f: RowFunction, inputs: readonly Spec[], target: Target): Launch {
  return rowFunctionLaunch(f, rowSizes(inputs[0] as Spec), target);
}

/** The op behind {@linkcode softmax}. */
export const softmaxOp: Op = defineOp({
  name: "softmax",
  inputs: ["x"],
  compose({ x }) {
    refuseEmpty(x, "softmax");
    const e = pointwise(EXP_BELOW, [x, rowMax(x)]);
    return pointwise(RATIO, [e, rowSum(e)]);
  },
  launch: ({ inputs }, _, target) => [launch(SOFTMAX, inputs, target)],
  wasm: ({ inputs: [x] }) => softmaxKernel(rowSizes(x as Spec), { isLog: false }),
  vjp: ({ outputs: [y] }, [dy]) => y && dy ? [apply(softmaxBackwardOp, [y, dy])] : [],
  cases: softmaxCases(),
});

/** The op behind {@linkcode logSoftmax}. */
export const logSoftmaxOp: Op = defineOp({
  name: "log_softmax",
  inputs: ["x"],
  compose({ x }) {
    refuseEmpty(x, "log_softmax");
    const top = rowMax(x);
    return pointwise(LOG_RATIO, [x, top, rowSum(pointwise(EXP_BELOW, [x, top]))]);
  },
  launch: ({ inputs }, _, target) => [launch(LOG_SOFTMAX, inputs, target)],
  wasm: ({ inputs: [x] }) => softmaxKernel(rowSizes(x as Spec), { isLog: true }),
  vjp: ({ outputs: [y] }, [dy]) => y && dy ? [apply(logSoftmaxBackwardOp, [y, dy])] : [],
  cases: softmaxCases(),
});

/** Gradient of softmax, of its result y and the gradient dy of that: both f32 [..., D]. */
export const softmaxBackwardOp: Op = defineOp({
  name: "softmax_backward",
  inputs: ["y", "dy"],
  compose({ y, dy }) {
    refuseUnlike(y, dy, "softmax_backward");
    return pointwise(SOFTMAX_SLOPE, [y, dy, rowSum(pointwise(PRODUCT_OF, [y, dy]))]);
  },
  launch: ({ inputs }, _, target) => [launch(SOFTMAX_BACKWARD, inputs, target)],
  wasm: ({ inputs: [x] }) => softmaxBackwardKernel(rowSizes(x as Spec), { isLog: false }),
  cases: softmaxCases({ range: { 0: [0, 1] }, inputs: 2 }),
});

/** Gradient of log_softmax, of its result y and the gradient dy of that: both f32 [..., D]. */
export const logSoftmaxBackwardOp: Op = defineOp({
  name: "log_softmax_backward",
  inputs: ["y", "dy"],
  compose({ y, dy }) {
    refuseUnlike(y, dy, "log_softmax_backward");
    return pointwise(LOG_SLOPE, [y, dy, rowSum(dy)]);
  },
  launch: ({ inputs }, _, target) => [launch(LOG_SOFTMAX_BACKWARD, inputs, target)],
  wasm: ({ inputs: [x] }) => softmaxBackwardKernel(rowSizes(x as Spec), { isLog: true }),
  cases: softmaxCases({ range: { 0: [-8, 0] }, inputs: 2 }),
});

/**
 * Cases whose inputs all have one shape. By default the exponentials of a row would overflow without
 * subtracting the largest element.
 */
function softmaxCases(
  { inputs = 1, range = { 0: [-100, 100] } }: { inputs?: number; range?: Case["range"] } = {},
): Case[] {
  const softmaxCase = (kind: Case["kind"], ...shape: number[]): Case => ({
    kind,
    inputs: Array.from({ length: inputs }, () => ({ shape, dtype: "f32" as const })),
    attrs: {},
    ...range !== undefined && { range },
  });
  return [
    ...[1, 3, 4, 5, 63, 64, 65].map((columns) => softmaxCase("tile", 9, columns)),
    ...[1, 7, 8, 64].map((rows) => softmaxCase("tile", rows, 83)),
    softmaxCase("ragged", 3, 5, 77),
    softmaxCase("ragged", 11, 1028),
    softmaxCase("ragged", 3, 20001),
    softmaxCase("ragged", 2, 65536),
    softmaxCase("bench", 1024, 256),
  ];
}
