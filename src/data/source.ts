/**
 * Where batches come from. A source is a pure function of its key: what a micro-batch holds
 * depends on `(step, micro-batch)` alone. It knows no model.
 */
import type { Key } from "../base/random.ts";
import type { Text } from "./text.ts";
import type { Tokenizer } from "./tokenizers/types.ts";

/** Token windows and what is asked of them. */
export interface Batch {
  /** u32 [B, T] */
  readonly inputs: Uint32Array;
  /** u32 [B, T], or [B] where one label is asked of a window; IGNORE where nothing is asked. */
  readonly targets: Uint32Array;
  /** Targets that count. */
  readonly counted: number;
  /**
   * u32 [B, T], where the task has documents: the first token of the window that each token's
   * document holds, never behind the token itself.
   */
  readonly starts?: Uint32Array;
  /** Carried states begin anew, all or by window; else they go on from the batch before. */
  readonly fresh: boolean | readonly boolean[];
}

/** What is asked: the next token or a label at positions, or one label of a window. */
export type TargetKind = "next" | "each" | "one";

/** Address of a micro-batch. */
export interface BatchAddress {
  /** Step, from 0. */
  readonly step: number;
  /** Index in [0, S). */
  readonly microBatch: number;
}

/** What is learnt from a source, as far as models and losses must know. */
export interface Task {
  /** Tokens T of a window. */
  readonly time: number;
  /** Distinct input tokens V. */
  readonly vocabulary: number;
  /** Distinct targets K; V where the next token is asked. */
  readonly classes: number;
  readonly targetKind: TargetKind;
  /** Targets that count in each training window, where all have as many; the loss is their mean. */
  readonly countedPerWindow: number | undefined;
  /** True when states pass from one batch to the next. */
  readonly carries: boolean;
  /** True when batches say where documents start, so that no token looks past its own. */
  readonly documents: boolean;
}

/** A source of batches. */
export interface Source {
  /** The batch of a micro-batch. @throws {Refusal} as `requireTraining` does. */
  train(at: BatchAddress): Batch;
  /** Said before a run begins. @throws {Refusal} `data` for texts without room to train on. */
  requireTraining?(): void;
  /** Targets that count in all micro-batches of a step, where windows do not have equally many. */
  countedIn?(step: number): number;
  /** Number of evaluation sequences; states pass within one, never between two. */
  readonly sequences: number;
  /** The batches of an evaluation sequence, in order. */
  evaluation(sequence: number): Iterable<Batch>;
  /** Which of the texts a sequence is of; all are of the first unless told. */
  textOf?(sequence: number): number;
}

/** How much is evaluated. */
export interface EvaluationBatches {
  /** Windows to evaluate, of each text; 0 means all, so that each token is asked once. */
  readonly windows: number;
  /** Tokens from one window to the next; null means the window's length. */
  readonly stride: number | null;
}

/** What sources are made of. */
export interface SourceInput {
  /** Key of the data's order. */
  readonly key: Key;
  /** Micro-batches S per step. */
  readonly microBatches: number;
  /** Windows B per micro-batch. */
  readonly windows: number;
  readonly evaluation: EvaluationBatches;
  /** The texts; none for a source that makes its own tokens. */
  readonly texts: readonly Text[];
  /** The text's tokenizer; undefined for a source that needs none. */
  readonly tokenizer?: Tokenizer | undefined;
}
