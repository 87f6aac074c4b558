/** The naive twin of every op, by the op's name. */
import { attentionBackwardTwin, attentionTwin } from "./attention/attention.ts";
import { cachedAttentionTwin } from "./attention/cached_attention.ts";
import {
  broadcastTimeTwin,
  concatTwin,
  indexCopyTwin,
  padLastTwin,
  poolTimeTwin,
  sliceLastTwin,
} from "./shape/copies.ts";
import { rotaryTwin } from "./shape/rotary.ts";
import { matmulTwin } from "./matmul.ts";
import { batchedMatmulTwin, permuteTwin, reshapeTwin } from "./matrices.ts";
import { pointwiseTwin } from "./pointwise.ts";
import { recurrenceBackwardTwin, recurrenceTwin } from "./recurrence.ts";
import {
  correctTwin,
  crossEntropyBackwardTwin,
  crossEntropyTwin,
  embeddingBackwardTwin,
  embeddingTwin,
  layerNormBackwardTwin,
  layerNormTwin,
  rowNormsTwin,
} from "./rows.ts";
import {
  broadcastLastTwin,
  logSoftmaxBackwardTwin,
  logSoftmaxTwin,
  rmsNormBackwardTwin,
  rmsNormTwin,
  rowMaxTwin,
  rowMeanTwin,
  rowSumTwin,
  rowVarianceTwin,
  softmaxBackwardTwin,
  softmaxTwin,
  swigluTwin,
} from "./row_compositions.ts";
import { pointwiseSegmentsTwin, sliceTwin, updateSliceTwin } from "./runs.ts";
import { argsortTwin, columnSumTwin, finiteTwin, sumTwin, treeAddTwin } from "./reduce/sums.ts";
import {
  expertRowsTwin,
  groupedMatmulBackwardTwin,
  groupedMatmulTwin,
  topKTwin,
} from "./routing.ts";
import type { Twin } from "./twin.ts";
import { foldTwin, maxPoolBackwardTwin, maxPoolTwin, unfoldTwin } from "./windows.ts";

/** Twins by op name. An op without one is timed alone. */
export const TWINS: ReadonlyMap<string, Twin> = new Map([
  ["attention", attentionTwin],
  ["attention_backward", attentionBackwardTwin],
  ["cached_attention", cachedAttentionTwin],
  ["column_sum", columnSumTwin],
  ["unfold", unfoldTwin],
  ["fold", foldTwin],
  ["max_pool", maxPoolTwin],
  ["max_pool_backward", maxPoolBackwardTwin],
  ["slice_last", sliceLastTwin],
  ["concat", concatTwin],
  ["correct", correctTwin],
  ["cross_entropy", crossEntropyTwin],
  ["cross_entropy_backward", crossEntropyBackwardTwin],
  ["embedding", embeddingTwin],
  ["embedding_backward", embeddingBackwardTwin],
  ["finite", finiteTwin],
  ["index_copy", indexCopyTwin],
  ["layer_norm", layerNormTwin],
  ["layer_norm_backward", layerNormBackwardTwin],
  ["matmul", matmulTwin],
  ["pad_last", padLastTwin],
  ["pointwise", pointwiseTwin],
  ["update_slice", updateSliceTwin],
  ["pointwise_segments", pointwiseSegmentsTwin],
  ["pool_time", poolTimeTwin],
  ["recurrence", recurrenceTwin],
  ["recurrence_backward", recurrenceBackwardTwin],
  ["rotary", rotaryTwin],
  ["row_norms", rowNormsTwin],
  ["slice", sliceTwin],
  ["argsort", argsortTwin],
  ["broadcast_time", broadcastTimeTwin],
  ["sum", sumTwin],
  ["tree_add", treeAddTwin],
  ["batched_matmul", batchedMatmulTwin],
  ["permute", permuteTwin],
  ["reshape", reshapeTwin],
  ["row_sum", rowSumTwin],
  ["row_max", rowMaxTwin],
  ["row_mean", rowMeanTwin],
  ["row_variance", rowVarianceTwin],
  ["broadcast_last", broadcastLastTwin],
  ["softmax", softmaxTwin],
  ["log_softmax", logSoftmaxTwin],
  ["softmax_backward", softmaxBackwardTwin],
  ["log_softmax_backward", logSoftmaxBackwardTwin],
  ["swiglu", swigluTwin],
  ["rms_norm", rmsNormTwin],
  ["rms_norm_backward", rmsNormBackwardTwin],
  ["top_k", topKTwin],
  ["expert_rows", expertRowsTwin],
  ["grouped_matmul", groupedMatmulTwin],
  ["grouped_matmul_backward", groupedMatmulBackwardTwin],
]);
