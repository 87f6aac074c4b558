/**
 * Elementwise ops that are generated from formulas, with broadcasting over leading axes: one
 * formula for the whole tensor, or one per contiguous segment of it.
 */
export { broadcastKindOf } from "./broadcast.ts";
export type { BroadcastKind } from "./broadcast.ts";
export { pointwise, pointwiseOp } from "./pointwise.ts";
export type { PointwiseAttrs } from "./pointwise.ts";
export { pointwiseSegmentsOp } from "./segments.ts";
export type { FormulaRange, PointwiseSegmentsAttrs } from "./segments.ts";
export { swiglu, swigluOp } from "./swiglu.ts";
