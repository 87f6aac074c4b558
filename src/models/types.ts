/** What a model is: a function from token windows to logits. Its backward pass is derived. */
import type { Tensor } from "../graph/types.ts";
import type { Scope } from "../nn/scope.ts";

/** What a model reads. B windows of T tokens. */
export interface ModelInput {
  /** Token ids, u32 [B, T]. */
  readonly inputs: Tensor;
  /** Number of distinct tokens V. */
  readonly vocabulary: number;
  /** Number of distinct targets K; V where the next token is asked. */
  readonly classes: number;
  /** True when one label is asked of each window: logits are [B, K]. */
  readonly perSequence: boolean;
  /** True when states pass from batch to batch. */
  readonly carries: boolean;
  /** u32 [B, T], where windows hold several documents: the first token of each token's own. */
  readonly starts?: Tensor;
}

/** Traces a model of config `C` and gives its logits [B, T, K], or [B, K]. */
export type Logits<C> = (scope: Scope, input: ModelInput, config: C) => Tensor;
