/** The naive twin of every op, by the op's name. */
import { attentionBackwardTwin, attentionTwin } from "./attention.ts";
import { matmulTwin } from "./matmul.ts";
import { pointwiseTwin } from "./pointwise.ts";
import {
  crossEntropyBackwardTwin,
  crossEntropyTwin,
  embeddingBackwardTwin,
  embeddingTwin,
  layerNormBackwardTwin,
  layerNormTwin,
} from "./rows.ts";
import { columnSumTwin, sortIdsTwin, sumTwin, treeAddTwin } from "./sums.ts";
import type { Twin } from "./twin.ts";

/** Twins by op name. An op without one is timed alone. */
export const TWINS: ReadonlyMap<string, Twin> = new Map([
  ["attention", attentionTwin],
  ["attention_backward", attentionBackwardTwin],
  ["column_sum", columnSumTwin],
  ["cross_entropy", crossEntropyTwin],
  ["cross_entropy_backward", crossEntropyBackwardTwin],
  ["embedding", embeddingTwin],
  ["embedding_backward", embeddingBackwardTwin],
  ["layer_norm", layerNormTwin],
  ["layer_norm_backward", layerNormBackwardTwin],
  ["matmul", matmulTwin],
  ["pointwise", pointwiseTwin],
  ["sort_ids", sortIdsTwin],
  ["sum", sumTwin],
  ["tree_add", treeAddTwin],
]);
