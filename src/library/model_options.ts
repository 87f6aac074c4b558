/** Options and results of a stored model. */
import type { DeviceKind } from "../base/device_kinds.ts";
import type { RowEnd } from "../generate/row.ts";

/** Options of `openModel`. */
export interface OpenModelOptions {
  /** Checkpoint of a run: the newest that verifies (default), or that of the lowest validation loss. */
  readonly which?: "newest" | "best";
  /** Where it computes; default `auto`, which needs a GPU adapter. `cpu` is WebAssembly, `reference` is slow. */
  readonly device?: DeviceKind;
  /** Called with notices, as for a damaged checkpoint that was skipped. */
  readonly warn?: (text: string) => void;
}

/** Maps text to token ids and back. */
export interface ModelTokenizer {
  /** Number of tokens. */
  readonly size: number;
  /** The token that ends documents, if there is one. */
  readonly end: number | undefined;
  /** Token ids of a text. @throws {UserError} `data` for characters without a token. */
  encode(text: string): Uint32Array;
  /** Text of token ids. @throws {RangeError} for an id outside [0, size). */
  decode(ids: Iterable<number>): string;
}

/** Options of `TrainedModel.generate`. */
export interface GenerateOptions {
  /** Most tokens to draw; default 200. */
  readonly tokens?: number;
  /** Divides the logits; 0 takes the likeliest token. Default 0.8. */
  readonly temperature?: number;
  /** Draws from the likeliest tokens only; 0 (default) is all. */
  readonly topK?: number;
  /** Draws from the likeliest tokens that hold this share of the probability; default 1. */
  readonly topP?: number;
  /** Divides the logits of tokens that were there before; default 1. */
  readonly repetitionPenalty?: number;
  /** Texts before which the text ends. */
  readonly stop?: readonly string[];
  /** Root of the random numbers; default 1337. The same seed gives the same text. */
  readonly seed?: number;
  /** Called with each part of the text that is ready. */
  readonly onText?: (text: string) => void;
  /** Ends the text after the token under way. */
  readonly signal?: AbortSignal;
}

/** A text that was generated. */
export interface Generated {
  /** The text behind the prompt. */
  readonly text: string;
  /** The tokens drawn, an end token included. */
  readonly tokens: Uint32Array;
  /** Log-probabilities of these tokens, by the unmodified logits. */
  readonly logprobs: Float32Array;
  /** Why it ended: an end token, a stop text, the token limit; undefined where it was aborted. */
  readonly ended: RowEnd | undefined;
}

/** Options of `TrainedModel.evaluate`. */
export interface EvaluateOptions {
  /** Tokens from one window to the next; default: half a window. */
  readonly stride?: number;
  /** Ends the evaluation; it throws the signal's reason. */
  readonly signal?: AbortSignal;
  /** Called with the numbers of finished sequences and of all. */
  readonly progress?: (done: number, total: number) => void;
}

/** Losses on a text. */
export interface EvaluatedLoss {
  /** Name of the text. */
  readonly name: string;
  /** Mean loss per target, nats; NaN without targets. */
  readonly loss: number;
  /** Targets that counted. */
  readonly counted: number;
}

/** The result of `TrainedModel.evaluate`. */
export interface EvaluationResult extends Omit<EvaluatedLoss, "name"> {
  /** exp of the mean of the term `nll`, or of the loss without that term. */
  readonly perplexity: number;
  /** Share of the targets that are the likeliest class; undefined for a model without classes. */
  readonly accuracy: number | undefined;
  /** Mean of each term of the loss by name, but of `correct`, whose mean is the accuracy. */
  readonly terms: Readonly<Record<string, number>>;
  /** By text, in order; one named after the source where it reads no text. */
  readonly texts: readonly EvaluatedLoss[];
}
