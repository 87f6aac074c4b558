/** Layers as functions of a scope and tensors. */
export * from "./activations.ts";
export * from "./layers.ts";
export * from "./mlp.ts";
export { logSoftmax, softmax } from "../../kernels/softmax/mod.ts";
export { swiglu } from "../../kernels/pointwise/mod.ts";
