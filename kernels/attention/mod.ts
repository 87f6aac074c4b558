/**
 * Multi-head attention: the fused training op with its backward op (FlashAttention: online softmax,
 * no Tq x Tk matrix in memory), and the decoding op, which reads cached keys and values.
 */
export { alibiSlopes } from "./alibi.ts";
export { attention, attentionOp } from "./attention.ts";
export type { AttentionDropout, AttentionOptions } from "./attention.ts";
export type { AttentionAttrs } from "./attention_attrs.ts";
export { attentionWeights } from "./attention_reference.ts";
export { attentionBackwardOp } from "./attention_backward.ts";
export type { AttentionMask } from "./attention_mask.ts";
export { cachedAttention, cachedAttentionOp } from "./cached/cached_attention.ts";
export type { CachedAttentionOptions } from "./cached/cached_attention.ts";
export { headsOf, packedHeads } from "./heads.ts";
export type { HeadColumns, Heads, HeadTriple } from "./heads.ts";
