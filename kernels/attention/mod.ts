/**
 * Causal multi-head self-attention: the fused training op with its backward op (FlashAttention:
 * online softmax, no T x T matrix in memory), and the decoding op, which reads cached keys and values.
 */
export { alibiSlopes } from "./alibi.ts";
export { attention, attentionOp } from "./attention.ts";
export type { AttentionDropout, AttentionOptions } from "./attention.ts";
export { attentionBackwardOp } from "./attention_backward.ts";
export type { AttentionAttrs } from "./attention_sizes.ts";
export { cachedAttention, cachedAttentionOp } from "./cached/cached_attention.ts";
export type { CachedAttentionOptions } from "./cached/cached_attention.ts";
export { headsOf, packedHeads } from "./heads.ts";
export type { HeadColumns, Heads } from "./heads.ts";
