/** The op table: tests, benches and docs are derived from it. */
import type { Op } from "../src/graph/types.ts";
import { attentionOp } from "./attention/attention.ts";
import { attentionBackwardOp } from "./attention/attention_backward.ts";
import { cachedAttentionOp } from "./attention/cached_attention.ts";
import { columnSum } from "./reduce/column_sum.ts";
import { recurrenceOp } from "./recurrence/recurrence.ts";
import { recurrenceBackwardOp } from "./recurrence/recurrence_backward.ts";
import { matmulOp } from "./matmul/matmul.ts";
import { pointwiseOp } from "./pointwise/pointwise.ts";
import { sumOp } from "./reduce/sum.ts";
import { crossEntropyOp } from "./cross_entropy/cross_entropy.ts";
import { crossEntropyBackwardOp } from "./cross_entropy/cross_entropy_backward.ts";
import { embeddingOp } from "./embedding/embedding.ts";
import { embeddingBackwardOp } from "./embedding/embedding_backward.ts";
import { layerNormOp } from "./layer_norm/layer_norm.ts";
import { layerNormBackwardOp } from "./layer_norm/layer_norm_backward.ts";
import { argsortOp } from "./embedding/argsort.ts";
import { treeAddOp } from "./reduce/tree_add.ts";
import { sliceLastOp } from "./shape/slice_last.ts";
import { concatOp } from "./shape/concat.ts";
import { correctOp } from "./cross_entropy/correct.ts";
import { padLastOp } from "./shape/slice_last.ts";
import { poolTimeOp } from "./shape/pool_time.ts";
import { rowNormsOp } from "./reduce/row_norms.ts";
import { broadcastTimeOp } from "./shape/pool_time.ts";
import { finiteOp } from "./reduce/finite.ts";
import { sliceOp } from "./shape/slice.ts";
import { updateSliceOp } from "./shape/update_slice.ts";
import { pointwiseSegmentsOp } from "./pointwise/segments.ts";

/** Every op, one line each. */
export const OPS: readonly Op[] = [
  attentionOp,
  attentionBackwardOp,
  cachedAttentionOp,
  columnSum,
  recurrenceOp,
  recurrenceBackwardOp,
  matmulOp,
  pointwiseOp,
  sumOp,
  crossEntropyOp,
  crossEntropyBackwardOp,
  embeddingOp,
  embeddingBackwardOp,
  layerNormOp,
  layerNormBackwardOp,
  argsortOp,
  treeAddOp,
  sliceLastOp,
  concatOp,
  correctOp,
  padLastOp,
  poolTimeOp,
  rowNormsOp,
  broadcastTimeOp,
  finiteOp,
  sliceOp,
  updateSliceOp,
  pointwiseSegmentsOp,
];
