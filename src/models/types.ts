/** Models are functions from token ids to logits; the backward pass is derived by autodiff. */
import type { Tensor } from "../graph/types.ts";
import type { Scope } from "../nn/scope.ts";

/** Inputs and sizes of a model: B sequences of T tokens. */
export interface ModelInput {
  /** Token ids, u32 [B, T]. */
  readonly inputs: Tensor;
  /** Vocabulary size V. */
  readonly vocabulary: number;
  /** Number of classes K; V for next-token prediction. */
  readonly classes: number;
  /** Sequence classification: one label per sequence, logits are [B, K]. */
  readonly perSequence: boolean;
  /** Whether recurrent states are carried from batch to batch. */
  readonly carries: boolean;
  /** Document masking, u32 [B, T]: index of the first token of each token's document. */
  readonly starts?: Tensor;
}

/** Traces a model of config `C`; returns logits f32 [B, T, K], or [B, K] with `perSequence`. */
export type Logits<C> = (scope: Scope, input: ModelInput, config: C) => Tensor;
