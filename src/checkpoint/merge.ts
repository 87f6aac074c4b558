/**
 * Assembles named tensors from the slices of a flat vector that the workers hold. Pure.
 */
import { bytesOf } from "../base/hash.ts";
import { type Shape, sizeOf } from "../base/shape.ts";
import { chunksOf, type ChunkWork, runToEnd, runYielding } from "./tensors/chunks.ts";
import type { NamedTensor } from "./tensors/tensor.ts";

/** A tensor's position in the flat vector, in elements. */
export interface PartPlace {
  readonly name: string;
  readonly shape: Shape;
  readonly offset: number;
}

/** A flat f32 vector of `length` elements and its tensors; gaps between them are padding. */
export interface FlatLayout {
  readonly length: number;
  readonly tensors: readonly PartPlace[];
}

/** A slice of the flat vector that starts at element `start`. */
export interface TensorPart {
  readonly start: number;
  readonly data: Float32Array;
}

/**
 * The tensors of a layout, in its order. A tensor within one part is a view of it, any other a
 * copy.
 * @throws {RangeError} unless the parts tile the vector, and each tensor lies within it.
 */
export function mergeParts(layout: FlatLayout, parts: readonly TensorPart[]): NamedTensor[] {
  return runToEnd(merging(layout, parts));
}

/** The same tensors; yields to the event loop. The parts must not change before it resolves. */
export function mergePartsAsync(
  layout: FlatLayout,
  parts: readonly TensorPart[],
): Promise<NamedTensor[]> {
  return runYielding(merging(layout, parts));
}

function* merging(layout: FlatLayout, parts: readonly TensorPart[]): ChunkWork<NamedTensor[]> {
  const sorted = parts.filter(({ data }) => data.length > 0).sort((a, b) => a.start - b.start);
  checkParts(sorted, layout.length);
  const out: NamedTensor[] = [];
  for (const { name, shape, offset } of layout.tensors) {
    const end = offset + sizeOf(shape);
    if (!(offset >= 0 && end <= layout.length)) {
      throw new RangeError(
        `Cannot merge ${name}: it must lie in ${layout.length} elements: it ends at ${end}`,
      );
    }
    out.push({ name, shape, data: yield* cut(sorted, { from: offset, to: end }) });
  }
  return out;
}

function checkParts(sorted: readonly TensorPart[], length: number): void {
  let at = 0;
  for (const { start, data } of sorted) {
    if (start !== at) {
      throw new RangeError(`Cannot merge parts: one must start at ${at}: it starts at ${start}`);
    }
    at += data.length;
  }
  if (at !== length) {
    throw new RangeError(`Cannot merge parts: they must end at ${length}: they end at ${at}`);
  }
}

/** Elements [from, to) of the vector. */
function* cut(
  sorted: readonly TensorPart[],
  { from, to }: { from: number; to: number },
): ChunkWork<Float32Array> {
  const pieces = sorted
    .filter(({ start, data }) => start < to && start + data.length > from)
    .map(({ start, data }) => data.subarray(Math.max(0, from - start), to - start));
  const [only] = pieces;
  if (pieces.length === 1 && only !== undefined) return only;
  const out = new Float32Array(to - from);
  let at = 0;
  for (const piece of pieces) {
    for (const bytes of chunksOf(bytesOf(piece))) {
      bytesOf(out).set(bytes, at);
      at += bytes.length;
      yield bytes.length;
    }
  }
  return out;
}
