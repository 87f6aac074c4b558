/** The op table: tests, benches and docs are derived from it. */
import type { Op } from "../src/graph/types.ts";
import { attentionBackwardOp, attentionOp, cachedAttentionOp } from "./attention/mod.ts";
import { foldOp, maxPoolBackwardOp, maxPoolOp, unfoldOp } from "./convolution/mod.ts";
import { correctOp, crossEntropyBackwardOp, crossEntropyOp } from "./cross_entropy/mod.ts";
import { argsortOp, embeddingBackwardOp, embeddingOp } from "./embedding/mod.ts";
import { layerNormBackwardOp, layerNormOp } from "./layer_norm/mod.ts";
import { batchedMatmulOp, matmulOp } from "./matmul/mod.ts";
import { permuteOp } from "./permute/mod.ts";
import { pointwiseOp, pointwiseSegmentsOp, swigluOp } from "./pointwise/mod.ts";
import { recurrenceBackwardOp, recurrenceOp } from "./recurrence/mod.ts";
import {
  broadcastLastOp,
  columnSum,
  finiteOp,
  rowMaxOp,
  rowMeanOp,
  rowNormsOp,
  rowSumOp,
  rowVarianceOp,
  sumOp,
  treeAddOp,
} from "./reduce/mod.ts";
import { rmsNormBackwardOp, rmsNormOp } from "./rms_norm/mod.ts";
import { expertRowsOp, groupedMatmulBackwardOp, groupedMatmulOp, topKOp } from "./routing/mod.ts";
import { rotaryOp } from "./rotary/mod.ts";
import {
  broadcastTimeOp,
  concatOp,
  indexCopyOp,
  padLastOp,
  poolTimeOp,
  reshapeOp,
  sliceLastOp,
  sliceOp,
  updateSliceOp,
} from "./shape/mod.ts";
import { logSoftmaxBackwardOp, logSoftmaxOp, softmaxBackwardOp, softmaxOp } from "./softmax/mod.ts";

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
  indexCopyOp,
  correctOp,
  padLastOp,
  poolTimeOp,
  rotaryOp,
  rowNormsOp,
  broadcastTimeOp,
  finiteOp,
  sliceOp,
  updateSliceOp,
  pointwiseSegmentsOp,
  batchedMatmulOp,
  permuteOp,
  reshapeOp,
  rowSumOp,
  rowMaxOp,
  rowMeanOp,
  rowVarianceOp,
  broadcastLastOp,
  softmaxOp,
  softmaxBackwardOp,
  logSoftmaxOp,
  logSoftmaxBackwardOp,
  swigluOp,
  rmsNormOp,
  rmsNormBackwardOp,
  topKOp,
  expertRowsOp,
  groupedMatmulOp,
  groupedMatmulBackwardOp,
  unfoldOp,
  foldOp,
  maxPoolOp,
  maxPoolBackwardOp,
];
