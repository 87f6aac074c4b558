/**
 * Convolution and max pooling over images x [B, H, W, C]: windows become rows of a matrix product, so
 * a convolution has the sums, the tiles and the epilogues of matmul.
 */
export { applyMaxPool, maxPoolBackwardOp, maxPoolOp } from "./max_pool.ts";
export type { MaxPoolBackwardAttrs } from "./max_pool.ts";
export { windowsAlong } from "./sliding_window.ts";
export type { SizePair, SlidAxis, SlidingWindow } from "./sliding_window.ts";
export { foldOp, unfold, unfoldOp } from "./unfold.ts";
export type { FoldAttrs } from "./unfold.ts";
