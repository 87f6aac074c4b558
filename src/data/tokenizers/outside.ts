/** The one error of decoding. */

/** @throws {RangeError} for an id that is no token of a vocabulary of `size`. */
export function outside(id: number, size: number): never {
  throw new RangeError(`Cannot decode a token: need an id in [0, ${size}): ${id}`);
}
