/** A trained model without training state, and the layouts in which it is exported and imported. */
import type { ForeignFile } from "../checkpoint/tensors/foreign.ts";
import type { NamedTensor } from "../checkpoint/tensors/tensor.ts";
import type { TargetKind } from "../data/source.ts";

/** Config and sizes of a model with a `model` part M. */
export interface Sizes<M> {
  /** The `model` part of its config. */
  readonly model: M;
  /** Context length T in tokens. */
  readonly context: number;
  /** V: distinct input tokens. */
  readonly vocabulary: number;
  /** K: distinct targets; V for next-token prediction. */
  readonly classes: number;
  /** What a target is. */
  readonly targetKind: TargetKind;
}

/** A model with its parameters by checkpoint name. */
export interface Portable<M> extends Sizes<M> {
  /** Parameters by name. */
  readonly params: ReadonlyMap<string, NamedTensor>;
  /** The source of batches that it was trained on; default: text. */
  readonly source?: "text" | "masked" | "pairs";
  /** Differences between training here and its original config, in sentences. */
  readonly notes?: readonly string[];
}

/** The layout in which models of one kind are exported. */
export interface ExportLayout<M> {
  /** The values of `model_type` that its config.json may have. */
  readonly types: readonly string[];
  /** The class that loads it, for people. */
  readonly name: (model: M) => string;
  /** config.json; `end`: end-of-document token. @throws {UserError} `config` if it has none. */
  readonly config: (sizes: Sizes<M>, end: number | undefined) => Readonly<Record<string, unknown>>;
  /** The tensors of its weights. @throws {UserError} `config` for a model without this layout. */
  readonly tensors: (portable: Portable<M>) => readonly NamedTensor[];
  /** Further files by name: texts, and values that become JSON. */
  readonly files: (end: number | undefined) => Readonly<Record<string, unknown>>;
  /** What was changed for the export, in sentences. */
  readonly notes?: (model: M) => readonly string[];
  /** Reads an exported model. @throws {UserError} `data` for an unsupported or damaged one. */
  readonly read: (
    json: unknown,
    file: Pick<ForeignFile, "tensors" | "others">,
    paths: { readonly config: string; readonly weights: string },
  ) => Portable<M>;
}
