/**
 * Reductions with a fixed order of additions: sums of all elements, of columns or of rows, the
 * largest element, mean, variance and norm of a row, counts of non-finite elements, and the addition
 * of the gradient tree.
 */
export { columnSum } from "./column_sum.ts";
export type { ColumnSumAttrs } from "./column_sum.ts";
export { finiteOp, nonFinite } from "./finite.ts";
export { rowMax, rowMaxOp } from "./row_max.ts";
export { rowMean, rowMeanOp, rowVariance, rowVarianceOp } from "./row_mean.ts";
export { rowNorms, rowNormsOp } from "./row_norms.ts";
export { broadcastLast, broadcastLastOp, rowSum, rowSumOp } from "./row_sum.ts";
export type { BroadcastLastAttrs } from "./row_sum.ts";
export { sum, sumOp } from "./sum.ts";
export type { SumAttrs } from "./sum.ts";
export { treeAddOp, treeAddTensors } from "./tree_add.ts";
