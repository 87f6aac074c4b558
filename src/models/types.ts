/** What a model is: a function from token windows to logits. Its backward pass is derived. */
import type { Tensor } from "../graph/types.ts";
import type { Scope } from "../nn/scope.ts";

/** What a model reads. B windows of T tokens. */
export interface ModelInput {
  /** Token ids, u32 [B, T]. */
  readonly inputs: Tensor;
  /** Number of distinct tokens V. */
  readonly vocabulary: number;
}

/** Traces a model of config `C` and gives its logits [B, T, V]. */
export type Logits<C> = (scope: Scope, input: ModelInput, config: C) => Tensor;
