/** The interface that every source implements. */
import type { DataConfig } from "../schema.ts";
import type { Source, SourceInput, Task } from "../source.ts";

/** Properties of a source that do not need data, and its constructor. */
export interface SourceMaker {
  /** False for a synthetic source. */
  readonly needsText: boolean;
  /** True for a source that reads a folder of images (`data.path`). */
  readonly needsImages?: true;
  /** True when batches depend on the text of tokens. */
  readonly needsTokenizer?: true;
  /** Names of the tokens of a synthetic source, by id. */
  readonly tokenNames?: (config: DataConfig) => readonly string[];
  /** What its files hold; default: texts. */
  readonly reads?: "pairs";
  /** Tokens beside those of the text that batches hold, by name. */
  readonly specialTokens?: readonly string[];
  /** True when windows of an evaluation may overlap (eval.stride). */
  readonly slides?: true;
  /**
   * Samples in a part of `length` numbers, where texts hold samples and not tokens; a window is one.
   */
  readonly samplesIn?: (config: DataConfig, length: number) => number;
  /** Minimum tokens of a validation text with any target; default 2, a token and the next. */
  readonly leastEvaluated?: (config: DataConfig) => number;
  /** The task; `vocabulary`: distinct tokens of the text, 0 without text. */
  readonly task: (config: DataConfig, vocabulary: number) => Task;
  readonly make: (config: DataConfig, input: SourceInput) => Source;
}
