/** Permutation of axes. */
export { permute, permuteOp, transposeLast } from "./permute.ts";
export type { PermuteAttrs } from "./permute.ts";
