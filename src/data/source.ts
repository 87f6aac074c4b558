/**
 * Interfaces of batch sources. A source is a pure function of its key: the contents of a
 * micro-batch depend only on `(step, micro-batch)`.
 */
import type { Key } from "../base/random.ts";
import type { Text } from "./text.ts";
import type { Tokenizer } from "./tokenizers/types.ts";

/** A tensor of a batch, as its task declares it. */
export interface BatchTensor {
  /** Sizes of the axes behind the first, which is B. */
  readonly shape: readonly number[];
  /** Element type. */
  readonly dtype: "u32" | "f32";
  /** What its elements mean, also in rows that fill a batch up. */
  readonly meaning: string;
}

/** The elements of a batch's tensors by name, row-major. */
export type BatchData = Readonly<Record<string, Uint32Array | Float32Array>>;

/** A micro-batch of B windows. */
export interface Batch<T extends BatchData = BatchData> {
  /** Every tensor that the task declares, by name. */
  readonly tensors: T;
  /** Targets that count in the loss. */
  readonly counted: number;
  /**
   * Whether carried states are reset, for all windows or each; else they continue from the previous
   * batch.
   */
  readonly fresh: boolean | readonly boolean[];
}

/**
 * Kind of target: next-token prediction, targets [B, T]; token classification, labels [B, T];
 * sequence classification, labels [B]; or a sequence for each source, targets [B, T].
 */
export type TargetKind = "next_token" | "token_class" | "sequence_class" | "sequence";

/** Address of a micro-batch. */
export interface BatchAddress {
  /** Step, from 0. */
  readonly step: number;
  /** Index in [0, S). */
  readonly microBatch: number;
}

/** The tensors of a batch of tokens. */
export interface TokenData extends BatchData {
  /** u32 [B, T] */
  readonly tokens: Uint32Array;
  /** u32 [B, T], or [B] for sequence classification; IGNORE: no target. */
  readonly targets: Uint32Array;
}

/** A micro-batch of tokens. */
export type TokenBatch = Batch<TokenData>;

/** The learning task of a source, for models and losses. */
export interface Task {
  /** The tensors of a batch by name. */
  readonly tensors: Readonly<Record<string, BatchTensor>>;
  /** Window length T. */
  readonly time: number;
  /** Distinct input tokens V. */
  readonly vocabulary: number;
  /** Distinct targets K; V for next-token prediction. */
  readonly classes: number;
  /** What a target is. */
  readonly targetKind: TargetKind;
  /**
   * Targets per training window if all windows have equally many, else undefined. The loss is their
   * mean.
   */
  readonly countedPerWindow: number | undefined;
  /** True when states are carried from batch to batch. */
  readonly carries: boolean;
}

/** A source of batches. */
export interface Source<B extends Batch = Batch> {
  /** The batch of a micro-batch. @throws {UserError} as `requireTraining` does. */
  train(at: BatchAddress): B;
  /** Checks the training texts before a run. @throws {UserError} `data` when one is too short. */
  requireTraining?(): void;
  /** Targets in all micro-batches of a step, when `countedPerWindow` is undefined. */
  countedIn?(step: number): number;
  /** Number of evaluation sequences; states are carried within one, never between two. */
  readonly sequences: number;
  /** The batches of an evaluation sequence, in order. */
  evaluation(sequence: number): Iterable<B>;
  /** Index of a sequence's text; default: 0 for all. */
  textOf?(sequence: number): number;
}

/** Extent of an evaluation. */
export interface EvaluationBatches {
  /** Windows to evaluate per text; 0: all, so that each token is a target once. */
  readonly windows: number;
  /** Tokens between window starts; null: the window's length. */
  readonly stride: number | null;
}

/** Input of a source. */
export interface SourceInput {
  /** Key of the shuffled order. */
  readonly key: Key;
  /** Micro-batches S per step. */
  readonly microBatches: number;
  /** Windows B per micro-batch. */
  readonly windows: number;
  /** How much is evaluated. */
  readonly evaluation: EvaluationBatches;
  /** The texts; none for a synthetic source. */
  readonly texts: readonly Text[];
  /** Distinct tokens of the texts; 0 or undefined without texts. */
  readonly vocabulary?: number;
  /** The text's tokenizer; undefined for a source that needs none. */
  readonly tokenizer?: Tokenizer | undefined;
}
