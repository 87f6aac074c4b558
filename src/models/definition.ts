/** What a model is to the rest of the system: its config, its loss, and what it can do. */
import type { TargetKind, Task } from "../data/source.ts";
import type { ExportLayout } from "../exchange/types.ts";
import type { Tensor } from "../graph/types.ts";
import type { Scope } from "../nn/scope.ts";
import type { LossTerms } from "../nn/terms.ts";

/** The tensors of a batch by name, as the task declares them. */
export type BatchTensors = Readonly<Record<string, Tensor>>;

/** Sizes of a model. */
export interface ModelSizes {
  /** Distinct input tokens V. */
  readonly vocabulary: number;
  /** Distinct targets K; V for next-token prediction. */
  readonly classes: number;
}

/** Tokens whose logits are wanted. */
export interface LogitsInput extends ModelSizes {
  /** Token ids, u32 [B, T]; the new ones if the scope decodes. */
  readonly tokens: Tensor;
  /** Logits of the last position only. */
  readonly last: boolean;
  /** Whether recurrent states are carried from call to call. */
  readonly carries: boolean;
  /** u32 [B, T]: first token that each token attends to, for models that read documents. */
  readonly starts?: Tensor | undefined;
}

/** Targets whose logits are wanted, and the sources that they belong to. */
export interface SequenceInput {
  /** Token ids of sources, u32 [B, Ts]. */
  readonly source: Tensor;
  /** Tokens of each source, u32 [B]. */
  readonly lengths: Tensor;
  /** What the decoder reads: a start token, then the target, u32 [B, Tt]. */
  readonly tokens: Tensor;
  /** V */
  readonly vocabulary: number;
}

/** The memory of earlier tokens in generation: a window that slides, or a recurrent state. */
export type GenerationMemory = "window" | "state";

/** A fault of a config: the key within `model`, and the error text for its value. */
export type ModelFault = readonly [key: string, message: string];

/** A schema of a `model` part, as zod makes it. */
export interface ModelSchema<C> {
  /** The keys and their schemas. */
  readonly shape: object;
  /** The complete config of some input. @throws for input that does not fit. */
  parse(input: unknown): C;
}

/** A config of any model. */
export interface AnyModel {
  /** Name of the model. */
  readonly kind: string;
}

/** A model: everything that the system needs to know of it. `C` is its part of a config. */
export interface ModelDefinition<C extends AnyModel> {
  /** Name, as in configs. */
  readonly kind: C["kind"];
  /** Schema of the `model` part of a config: a z.strictObject with the literal `kind`. */
  readonly schema: ModelSchema<C>;
  /**
   * Traces the terms of the loss over one batch; see src/nn/terms.ts. Weights of terms are constants
   * of the config, sums are f32 [1] or over rows of a head.
   */
  readonly loss: (scope: Scope, batch: BatchTensors, config: C, task: Task) => LossTerms;
  /**
   * Names of the tensors of a batch that it reads beside the targets: a source without them is refused.
   * Default: not checked.
   */
  readonly reads?: readonly string[];
  /** Traces logits f32 [B, T, K], or [B, K] with `last`; absent: it has none. */
  readonly logits?: (scope: Scope, input: LogitsInput, config: C) => Tensor;
  /** Traces logits f32 [B, Tt, V] of targets of sources; absent: it writes none. */
  readonly sequence?: (scope: Scope, input: SequenceInput, config: C) => Tensor;
  /**
   * The memory of generation; a sentence why it cannot generate text, as `it is bidirectional`.
   * "window" for layers with caches or positions, "state" for recurrent states alone. Fed token by
   * token, the logits must be those of the whole window.
   */
  readonly generates?: (config: C) => { readonly memory: GenerationMemory } | string;
  /** Its layout in exports; absent: it cannot be exported. */
  readonly exchange?: ExportLayout<C>;
  /** True if it can carry states from batch to batch (truncated BPTT). Default false. */
  readonly carries?: boolean;
  /** True if it reads `starts`, which keep attention inside a document. Default false. */
  readonly documents?: boolean;
  /** Kinds of targets that it can be asked for. Default: all of models that read tokens. */
  readonly targets?: readonly TargetKind[];
  /** Directions in which the gradient's reach can be measured. Default none. */
  readonly directions?: (config: C) => readonly ("forward" | "backward")[];
  /** Faults of a config beside the other parts of a run. Default none. */
  readonly faults?: (
    config: C,
    use: ModelUse,
  ) => readonly ModelFault[];
  /** Keys without effect in this config, each with what it needs to have one. Default none. */
  readonly unused?: (config: C) => readonly ModelFault[];
  /** Sentences on keys without effect on windows of `time` tokens. Default none. */
  readonly notices?: (config: C, time: number) => readonly string[];
  /** Trainable elements that one token does not use, as experts that it is not sent to. Default 0. */
  readonly idle?: (config: C) => number;
  /**
   * FLOP of training per token by each usual formula, the plainest first. Default: 6 per parameter.
   */
  readonly flops?: (config: C, sizes: FlopSizes) => readonly FlopCount[];
}

/** What a config pairs with its model. */
export interface ModelUse {
  /** The task of its source. */
  readonly task: Task;
  /** Name of the source. */
  readonly source: string;
  /** Kind of the optimizer. */
  readonly optimizer: string;
}

/** Sizes that FLOP formulas need. */
export interface FlopSizes {
  /** Trainable elements. */
  readonly all: number;
  /** Elements of the layers' weight matrices alone. */
  readonly matrices: number;
  /** Tokens T of a window. */
  readonly time: number;
  /** The task that the model is trained on. */
  readonly task: Task;
}

/** FLOP per token by a formula, and where it comes from. */
export interface FlopCount {
  /** Name of the formula, as `6N`. */
  readonly formula: string;
  /** FLOP per token. */
  readonly per_token: number;
  /** What it counts, and its source. */
  readonly words: string;
}

/** 6 FLOP per parameter: 2 for the multiply-add of each weight forwards, 4 backwards. */
export function denseFlops(all: number, counted = "all parameters"): FlopCount {
  return {
    formula: "6N",
    per_token: 6 * all,
    words: `${counted}, nothing for attention (Hoffmann et al. 2022, appendix F: C = 6ND)`,
  };
}

/** Types a model's definition. */
export function defineModel<C extends AnyModel>(
  definition: ModelDefinition<C>,
): ModelDefinition<C> {
  return definition;
}

/** The fault of a tied output layer whose targets are no tokens. */
export function tiedFaults(
  tied: boolean,
  { task, source }: Pick<ModelUse, "task" | "source">,
): ModelFault[] {
  if (!tied || task.targetKind === "next_token") return [];
  const need = `need false for source ${source}, whose targets are no tokens`;
  return [["tie_embeddings", `${need}: true`]];
}
