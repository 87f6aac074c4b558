/**
 * Reductions with a fixed order of additions: sums of all elements or of columns, row norms, counts
 * of non-finite elements, and the addition of the gradient tree.
 */
export { columnSum } from "./column_sum.ts";
export type { ColumnSumAttrs } from "./column_sum.ts";
export { finiteOp, nonFinite } from "./finite.ts";
export { rowNorms, rowNormsOp } from "./row_norms.ts";
export { sum, sumOp } from "./sum.ts";
export type { SumAttrs } from "./sum.ts";
export { treeAddOp, treeAddTensors } from "./tree_add.ts";
