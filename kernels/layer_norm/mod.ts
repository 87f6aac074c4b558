/** Layer normalisation over the last axis, and its backward op. */
export { applyLayerNorm, EPS, layerNormOp } from "./layer_norm.ts";
export type { LayerNormAttrs } from "./layer_norm.ts";
export { layerNormBackwardOp } from "./layer_norm_backward.ts";
