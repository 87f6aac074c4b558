/** Elementwise layers; those whose names formulas have are exported by them in mod.ts. */
import { pointwise } from "../../kernels/pointwise/mod.ts";
import type { Tensor } from "../graph/types.ts";
import { EXP, LOG, PRODUCT, RELU, SIGMOID, SILU, TANH } from "./formulas.ts";

/** max(x, 0), elementwise; at 0 the gradient goes through. */
export function relu(x: Tensor): Tensor {
  return pointwise(RELU, [x]);
}

/** 1 / (1 + e^-x), elementwise. */
export function applySigmoid(x: Tensor): Tensor {
  return pointwise(SIGMOID, [x]);
}

/** Hyperbolic tangent, elementwise. */
export function applyTanh(x: Tensor): Tensor {
  return pointwise(TANH, [x]);
}

/** x * sigmoid(x), elementwise (SiLU or Swish; Elfwing et al. 2017). */
export function silu(x: Tensor): Tensor {
  return pointwise(SILU, [x]);
}

/** e^x, elementwise. */
export function applyExp(x: Tensor): Tensor {
  return pointwise(EXP, [x]);
}

/** Natural logarithm, elementwise. */
export function applyLog(x: Tensor): Tensor {
  return pointwise(LOG, [x]);
}

/**
 * x * y, elementwise; the smaller one may lack leading axes, or have 1 for the last one.
 * @throws {RangeError} when it does not fit.
 */
export function times(x: Tensor, y: Tensor): Tensor {
  return pointwise(PRODUCT, [x, y]);
}
