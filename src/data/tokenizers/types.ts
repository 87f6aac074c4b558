/** The interface of tokenizers. */
import type { TokenizerSpec } from "../schema.ts";

/** The name of the end-of-document token, whatever the tokenizer. */
export const END_TEXT = "<|endoftext|>";

/** Incremental decoder. */
export interface TokenStream {
  /** Adds a token; returns the text completed by it. */
  push(id: number): string;
  /** Returns the incomplete rest, with U+FFFD for partial characters, and resets the stream. */
  flush(): string;
}

/** Maps text to token ids in [0, size) and back. */
export interface Tokenizer {
  /** How it cuts text into tokens. */
  readonly kind: TokenizerSpec["kind"];
  /** Vocabulary size. */
  readonly size: number;
  /** The end-of-document token; also the default prompt. */
  readonly end: number | undefined;
  /**
   * The token of unknown text; undefined if all text can be encoded, or unknown text is an error.
   */
  readonly unknown: number | undefined;
  /**
   * Token ids of a text. Never produces the end token, except the word tokenizer, which uses it for
   * line ends. @throws {UserError} `data` for characters without a token.
   */
  encode(text: string): Uint32Array;
  /**
   * Text of token ids. The end token has no text, except that of the word tokenizer. @throws
   * {RangeError} for an id outside [0, size).
   */
  decode(ids: Iterable<number>): string;
  /** A new decoding stream; push() and flush() together return what decode() returns. */
  stream(): TokenStream;
  /**
   * Safe split point: largest offset (UTF-16 units, below text.length) at which `text` can be split
   * so that the parts encode as the whole does, whatever follows; 0 if there is none.
   */
  cut(text: string): number;
  /** Encodes targets of pairs, with ids of the same vocabulary; absent: this one does. */
  readonly target?: Tokenizer;
  /** The id of a token that no text encodes to, by its name; absent: it has none. */
  special?(name: string): number | undefined;
  /** The spec for {@linkcode tokenizerFrom}. */
  toJSON(): TokenizerSpec;
}
