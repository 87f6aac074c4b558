/** Random access to tokens, in memory or in files. */
import { type Documents, documentsAt } from "./documents.ts";

/** A sequence of tokens with random access. */
export interface Tokens {
  /** Number of tokens. */
  readonly length: number;
  /** Document boundaries; undefined if not loaded. */
  readonly documents?: Documents | undefined;
  /**
   * Fills `into` with the tokens from `start`.
   * @throws {RangeError} past the end. @throws {UserError} `data` for a damaged file.
   */
  read(start: number, into: Uint32Array): void;
}

/** Tokens in memory; `begins`: positions of document starts, if any. */
export function tokensIn(array: Uint32Array, begins?: ArrayLike<number>): Tokens {
  return {
    length: array.length,
    documents: begins && documentsAt(begins),
    read(start, into) {
      if (!(start >= 0 && start + into.length <= array.length)) {
        throw new RangeError(
          `Cannot read tokens: need ${start + into.length} of them: there are ${array.length}`,
        );
      }
      into.set(array.subarray(start, start + into.length));
    },
  };
}
