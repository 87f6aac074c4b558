/** The op table: tests, benches and docs are derived from it. */
import type { Op } from "../src/graph/types.ts";
import { attentionOp } from "./attention.ts";
import { attentionBackwardOp } from "./attention_backward.ts";
import { cachedAttentionOp } from "./cached_attention.ts";
import { columnSum } from "./column_sum.ts";
import { recurrenceOp } from "./recurrence.ts";
import { recurrenceBackwardOp } from "./recurrence_backward.ts";
import { matmulOp } from "./matmul.ts";
import { pointwiseOp } from "./pointwise.ts";
import { sumOp } from "./sum.ts";
import { crossEntropyOp } from "./cross_entropy.ts";
import { crossEntropyBackwardOp } from "./cross_entropy_backward.ts";
import { embeddingOp } from "./embedding.ts";
import { embeddingBackwardOp } from "./embedding_backward.ts";
import { layerNormOp } from "./layer_norm.ts";
import { layerNormBackwardOp } from "./layer_norm_backward.ts";
import { sortIdsOp } from "./sort_ids.ts";
import { treeAddOp } from "./tree_add.ts";
import { columnsOp } from "./columns.ts";
import { concatOp } from "./concat.ts";
import { correctOp } from "./correct.ts";
import { placeColumnsOp } from "./place_columns.ts";
import { readTimeOp } from "./read_time.ts";
import { rowNormsOp } from "./row_norms.ts";
import { spreadTimeOp } from "./spread_time.ts";
import { finiteOp } from "./finite.ts";
import { sliceOp } from "./slice.ts";
import { putOp } from "./put.ts";
import { rangedOp } from "./ranged.ts";

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
  sortIdsOp,
  treeAddOp,
  columnsOp,
  concatOp,
  correctOp,
  placeColumnsOp,
  readTimeOp,
  rowNormsOp,
  spreadTimeOp,
  finiteOp,
  sliceOp,
  putOp,
  rangedOp,
];
