/** Softmax over the last axis, and its logarithm. */
export { logSoftmax, logSoftmaxOp, softmax, softmaxOp } from "./softmax.ts";
