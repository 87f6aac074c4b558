/** What a tokenizer is. Knows no files, windows or models. */
import type { TokenizerSpec } from "../schema.ts";

/** The text by which people name the token that ends a document, whatever the tokenizer. */
export const END_TEXT = "<|endoftext|>";

/** Turns tokens into text as they come. */
export interface TokenStream {
  /** Text that is whole once `id` is there; what is unfinished waits. */
  push(id: number): string;
  /** What still waits, unfinished characters as U+FFFD; the stream begins anew. */
  flush(): string;
}

/** A fixed map between text and token ids in [0, size). */
export interface Tokenizer {
  readonly kind: TokenizerSpec["kind"];
  /** Number of distinct tokens. */
  readonly size: number;
  /** The token that ends a document, and that a text without a beginning begins behind. */
  readonly end: number | undefined;
  /** The token of text that no other token stands for; undefined where all text has tokens. */
  readonly unknown: number | undefined;
  /**
   * Token ids of a text; refuses what it has no token for. A text never gives the end token: its
   * name in a text is text. Of words alone a line's end is the end token.
   */
  encode(text: string): Uint32Array;
  /** Text of token ids; a RangeError for an id outside [0, size). The end token has no text but `word`'s. */
  decode(ids: Iterable<number>): string;
  /** A stream of its own; pushed ids and flush give what decode() gives. */
  stream(): TokenStream;
  /**
   * Largest place (UTF-16 units, at most text.length - 1) at which `text` may be cut so that its parts
   * encode as the whole does, whatever follows it; 0 where there is none.
   */
  cut(text: string): number;
  /** The plain value that {@linkcode tokenizerFrom} takes. */
  toJSON(): TokenizerSpec;
}
