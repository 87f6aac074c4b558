/** A trained model without training state, for export and import. */
import type { NamedTensor } from "../checkpoint/tensors/tensor.ts";
import type { TargetKind } from "../data/source.ts";
import type { ModelConfig } from "../models/mod.ts";

/** Config and sizes of a model. */
export interface Sizes<M extends ModelConfig = ModelConfig> {
  readonly model: M;
  /** Context length T in tokens. */
  readonly context: number;
  /** V: distinct input tokens. */
  readonly vocabulary: number;
  /** K: distinct targets; V for next-token prediction. */
  readonly classes: number;
  readonly targetKind: TargetKind;
}

/** A model with its parameters by checkpoint name. */
export interface Portable<M extends ModelConfig = ModelConfig> extends Sizes<M> {
  readonly params: ReadonlyMap<string, NamedTensor>;
  /** Differences between training here and its original config, in sentences. */
  readonly notes?: readonly string[];
}
