/** Root mean square normalisation over the last axis, and its backward op. */
export { applyRmsNorm, rmsNormOp } from "./rms_norm.ts";
export type { RmsNormAttrs } from "./rms_norm.ts";
export { rmsNormBackwardOp } from "./rms_norm_backward.ts";
