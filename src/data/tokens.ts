/** Tokens by position, wherever they lie. Knows neither windows nor files. */

/** A stretch of tokens that is read by position. */
export interface Tokens {
  readonly length: number;
  /**
   * Copies the tokens from `start` into `into`, all of it.
   * @throws {RangeError} when it reaches past the end. @throws {Refusal} `data` for a damaged file.
   */
  read(start: number, into: Uint32Array): void;
}

/** Tokens in memory. */
export function tokensIn(array: Uint32Array): Tokens {
  return {
    length: array.length,
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
