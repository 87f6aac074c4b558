/**
 * Losses and metrics of rows of logits against class ids: cross entropy and correct predictions.
 */
export { correct, correctOp } from "./correct.ts";
export { crossEntropy, crossEntropyOp } from "./cross_entropy.ts";
export { crossEntropyBackwardOp } from "./cross_entropy_backward.ts";
