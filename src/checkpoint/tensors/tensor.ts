/** Named tensors of a checkpoint. */
import type { Shape } from "../../base/shape.ts";
import { CHUNK, type ChunkWork } from "./chunks.ts";

/** A named f32 tensor; `data` is row-major. */
export interface NamedTensor {
  /** Its name, as `blocks.0.qkv.weight`. */
  readonly name: string;
  /** Sizes of its axes. */
  readonly shape: Shape;
  /** Its elements. */
  readonly data: Float32Array;
}

/** A value that is not finite, and its position. */
export interface NonFinite {
  readonly name: string;
  readonly index: number;
  readonly value: number;
}

/** Whether a name is printable ASCII without spaces, so that a line can hold name and shape. */
export function isTensorName(name: string): boolean {
  return /^[\x21-\x7e]+$/.test(name);
}

/** The tensors in code-unit order of their names. @throws {RangeError} for a duplicate name. */
export function sortedByName(tensors: Iterable<NamedTensor>): NamedTensor[] {
  const sorted = [...tensors].sort((a, b) => a.name < b.name ? -1 : a.name > b.name ? 1 : 0);
  for (let i = 1; i < sorted.length; i++) {
    if (sorted[i]?.name === sorted[i - 1]?.name) {
      throw new RangeError(`Cannot tell tensors apart: two are named ${sorted[i]?.name}`);
    }
  }
  return sorted;
}

/** The exponent bits of an f32, all set only in infinities and NaN. */
const EXPONENT = 0x7f80_0000;

/** The first NaN or infinity, or undefined if all values are finite. */
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
