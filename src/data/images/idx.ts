/**
 * The IDX format of the MNIST files (LeCun, Cortes, Burges): two zero bytes, a byte for the element
 * type, a byte for the number of axes, the size of each axis as u32 in big endian, the elements. Pure.
 */
import { showShape, sizeOf } from "../../base/shape.ts";
import { UserError } from "../../base/user_error.ts";

/** Element type: unsigned bytes. */
const UNSIGNED_BYTE = 0x08;

/** Elements of an IDX file. */
export interface Idx {
  /** Sizes of the axes, outermost first. */
  readonly shape: readonly number[];
  /** Elements in row-major order. */
  readonly data: Uint8Array;
}

/**
 * Reads an IDX file of unsigned bytes with `axes` axes; `name` is for errors.
 * @throws {UserError} `data` for another format, type or number of axes, and for a file whose length
 * is not that of its sizes.
 */
export function readIdx(bytes: Uint8Array, axes: number, name: string): Idx {
  const bad = (fault: string) => new UserError("data", `Cannot read ${name}: ${fault}`);
  const [zero, alsoZero, type, count] = bytes;
  const first = 4 + 4 * axes;
  if (zero !== 0 || alsoZero !== 0 || type === undefined || count === undefined) {
    throw bad("need an IDX file: its first two bytes are not 0");
  }
  if (type !== UNSIGNED_BYTE || count !== axes) {
    throw bad(
      `need unsigned bytes (type 8) with ${axes} ${axes === 1 ? "axis" : "axes"}: it has type ` +
        `${type} with ${count}`,
    );
  }
  if (bytes.length < first) {
    throw bad(`need a header of ${first} bytes: the file ends after ${bytes.length}`);
  }
  const header = new DataView(bytes.buffer, bytes.byteOffset, first);
  const shape = Array.from({ length: axes }, (_, axis) => header.getUint32(4 + 4 * axis));
  const need = first + sizeOf(shape);
  if (bytes.length !== need) {
    throw bad(`need ${need} bytes for sizes ${showShape(shape)}: it has ${bytes.length}`);
  }
  return { shape, data: bytes.subarray(first) };
}
