/** A trained model apart from how it was trained: what goes out and comes in. */
import type { NamedTensor } from "../checkpoint/tensors/tensor.ts";
import type { TargetKind } from "../data/source.ts";
import type { ModelConfig } from "../models/mod.ts";

/** What a model is, beside its parameters. */
export interface Sizes<M extends ModelConfig = ModelConfig> {
  readonly model: M;
  /** T: tokens that the model sees at once. */
  readonly context: number;
  /** V: distinct input tokens. */
  readonly vocabulary: number;
  /** K: distinct targets; V where the next token is asked. */
  readonly classes: number;
  readonly targetKind: TargetKind;
}

/** A model with its parameters by their names in checkpoints. */
export interface Portable<M extends ModelConfig = ModelConfig> extends Sizes<M> {
  readonly params: ReadonlyMap<string, NamedTensor>;
  /** What training with it does otherwise than its config says, in sentences. */
  readonly notes?: readonly string[];
}
