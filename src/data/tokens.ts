/** Tokens by position, wherever they lie. Knows neither windows nor files. */
import { type Documents, documentsAt } from "./documents.ts";

/** A stretch of tokens that is read by position. */
export interface Tokens {
  readonly length: number;
  /** Where documents begin; undefined where they are not told apart. */
  readonly documents?: Documents | undefined;
  /**
   * Copies the tokens from `start` into `into`, all of it.
   * @throws {RangeError} when it reaches past the end. @throws {Refusal} `data` for a damaged file.
   */
  read(start: number, into: Uint32Array): void;
}

/** Tokens in memory, and the places at which documents begin where they are told apart. */
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
