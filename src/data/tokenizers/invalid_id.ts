/** The error of decoding an invalid id. */

/** @throws {RangeError} always: `id` is outside [0, size). */
export function invalidId(id: number, size: number): never {
  throw new RangeError(`Cannot decode a token: need an id in [0, ${size}): ${id}`);
}
