/**
 * Mixtures of experts: the top-k choice, rows sorted by expert, and products whose matrix is that of
 * a row's expert. Shapes do not depend on the choices, and sums have a fixed order.
 */
export { expertRows, expertRowsOp } from "./expert_rows.ts";
export type { ExpertRows, ExpertRowsAttrs } from "./expert_rows.ts";
export { groupedMatmul, groupedMatmulOp } from "./grouped_matmul.ts";
export type { GroupedMatmulAttrs } from "./grouped_matmul.ts";
export { groupedMatmulBackwardOp } from "./grouped_matmul_backward.ts";
export type { GroupedMatmulBackwardAttrs } from "./grouped_matmul_backward.ts";
export { topK, topKOp } from "./top_k.ts";
export type { TopKAttrs } from "./top_k.ts";
