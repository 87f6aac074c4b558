/**
 * Ops that move elements: concat, slice and pad of the last axis, slices of the flat tensor, rows by
 * index, and pooling and broadcast over the time axis.
 */
export { concatAxis, meanAxis, sliceAxis } from "./axes.ts";
export { concat, concatOp } from "./concat.ts";
export { indexCopy, indexCopyOp } from "./index_copy.ts";
export type { IndexCopyAttrs } from "./index_copy.ts";
export { broadcastTime, broadcastTimeOp, poolTime, poolTimeOp } from "./pool_time.ts";
export type { BroadcastTimeAttrs, PoolTimeAttrs } from "./pool_time.ts";
export { reshape, reshapeOp } from "./reshape.ts";
export type { ReshapeAttrs } from "./reshape.ts";
export { slice, sliceOp } from "./slice.ts";
export type { SliceAttrs } from "./slice.ts";
export { padLast, padLastOp, sliceLast, sliceLastOp } from "./slice_last.ts";
export type { PadLastAttrs, SliceLastAttrs } from "./slice_last.ts";
export type { TimeKind } from "./steps_pooled.ts";
export { allocate, updateSlice, updateSliceOp } from "./update_slice.ts";
export type { UpdateSliceAttrs } from "./update_slice.ts";
