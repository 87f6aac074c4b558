/** Tensors by name, as checkpoints hold them. Knows nothing of devices, roles or files. */
import type { Shape } from "../../base/shape.ts";
import { CHUNK, type ChunkWork } from "./pieces.ts";

/** An f32 tensor with its name; `data` holds its elements row by row. */
export interface NamedTensor {
  readonly name: string;
  readonly shape: Shape;
  readonly data: Float32Array;
}

/** Where the first value that is not finite stands. */
export interface NonFinite {
  readonly name: string;
  readonly index: number;
  readonly value: number;
}

/** Names are printable ASCII without spaces, so that one line can hold a name and a shape. */
export function isTensorName(name: string): boolean {
  return /^[\x21-\x7e]+$/.test(name);
}

/** The tensors in the code-unit order of their names. Throws RangeError when two share a name. */
export function sortedByName(tensors: Iterable<NamedTensor>): NamedTensor[] {
  const sorted = [...tensors].sort((a, b) => a.name < b.name ? -1 : a.name > b.name ? 1 : 0);
  for (let i = 1; i < sorted.length; i++) {
    if (sorted[i]?.name === sorted[i - 1]?.name) {
      throw new RangeError(`Cannot tell tensors apart: two are named ${sorted[i]?.name}`);
    }
  }
  return sorted;
}

/** Bits of an f32 that are all set in infinities and NaN, and in nothing else. */
const EXPONENT = 0x7f80_0000;

/** The first NaN or infinity, tensor by tensor, or undefined when all values are finite. */
export function* nonFiniteTensors(
  tensors: Iterable<NamedTensor>,
): ChunkWork<NonFinite | undefined> {
  for (const { name, data } of tensors) {
    const bits = new Uint32Array(data.buffer, data.byteOffset, data.length);
    for (let start = 0; start < bits.length; start += CHUNK / 4) {
      const end = Math.min(bits.length, start + CHUNK / 4);
      for (let index = start; index < end; index++) {
        if (((bits[index] as number) & EXPONENT) !== EXPONENT) continue;
        return { name, index, value: data[index] as number };
      }
      yield 4 * (end - start);
    }
  }
  return undefined;
}
