/**
 * Embedding lookup and its gradient. The gradient adds rows in the order of argsorted ids, without
 * atomics, so it is deterministic.
 */
export { argsort, argsortOp } from "./argsort.ts";
export { embedding, embeddingOp } from "./embedding.ts";
export { embeddingBackwardOp } from "./embedding_backward.ts";
export type { EmbeddingBackwardAttrs } from "./embedding_backward.ts";
