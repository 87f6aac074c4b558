/** Softmax over the last axis, its logarithm, and their backward ops. */
export {
  logSoftmax,
  logSoftmaxBackwardOp,
  logSoftmaxOp,
  softmax,
  softmaxBackwardOp,
  softmaxOp,
} from "./softmax.ts";
