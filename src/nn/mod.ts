/** Layers as functions of a scope and tensors. */
export {
  applyExp as exp,
  applyLog as log,
  applySigmoid as sigmoid,
  applyTanh as tanh,
  relu,
  silu,
  times,
} from "./elementwise.ts";
export * from "./attention.ts";
export * from "./attention_layers.ts";
export * from "./experts.ts";
export * from "./convolution.ts";
export * from "./layers.ts";
export * from "./mlp.ts";
export { rotaryPositions } from "./positions.ts";
export type { Rotation } from "./positions.ts";
export { logSoftmax, softmax } from "../../kernels/softmax/mod.ts";
export { swiglu } from "../../kernels/pointwise/mod.ts";
