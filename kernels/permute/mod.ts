/** Permutation of axes. */
export { permuteAxes, permuteOp, transposeLast } from "./permute.ts";
export type { PermuteAttrs } from "./permute.ts";
