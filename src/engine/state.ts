/**
 * Converts between flat vectors on devices and named tensors in checkpoints. Optimizer tensors are
 * named `<moment>.<parameter>`. Pure.
 */
import { mergeParts } from "../checkpoint/merge.ts";
import type { TensorPart } from "../checkpoint/merge.ts";
import type { NamedTensor } from "../checkpoint/tensors/tensor.ts";
import { sizeOf } from "../base/shape.ts";
import type { Carry } from "../nn/scope.ts";
import { paramsOf, vectorBuckets } from "../plan/layout.ts";
import type { Layout, VectorBucket } from "../plan/layout.ts";

/** Prefix of carried states in the optimizer's tensors. */
const CARRY = "carry.";

/** A slice of one bucket of one vector. */
export interface VectorPart extends TensorPart {
  readonly vector: string;
  readonly bucket: number;
}

/** A carried state of a micro-batch. */
export interface CarryPart {
  readonly name: string;
  /** The micro-batch. */
  readonly index: number;
  readonly data: Float32Array;
}

/** The tensors of a checkpoint; carried states are stored with the moments. */
export interface NamedState {
  readonly model: readonly NamedTensor[];
  readonly optimizer: readonly NamedTensor[];
}

/** Every bucket of `vectors`, in the order in which states are copied. */
export function stateBuckets(
  layout: Layout,
  vectors: readonly string[],
): (VectorBucket & { readonly vector: string })[] {
  return vectors.flatMap((vector) =>
    vectorBuckets(layout, vector).map((bucket) => ({ vector, ...bucket }))
  );
}

/** Merges slices of all vectors. @throws {RangeError} unless they tile the vectors. */
export function mergeState(
  layout: Layout,
  { moments, parts }: { moments: readonly string[]; parts: readonly VectorPart[] },
): NamedState {
  const vector = (name: string, prefix: string) =>
    vectorBuckets(layout, name).flatMap(({ bucket, length }) => {
      const tensors = paramsOf(layout).filter((e) => e.bucket === bucket)
        .map(({ name, shape, offset }) => ({ name: prefix + name, shape, offset }));
      const own = parts.filter((part) => part.vector === name && part.bucket === bucket);
      return mergeParts({ length, tensors }, own);
    });
  return {
    model: vector("param", ""),
    optimizer: moments.flatMap((moment) => vector(moment, `${moment}.`)),
  };
}

/** Names and shapes of the tensors of {@linkcode mergeCarries}. */
export function carriedShapes(
  carries: readonly Carry[],
  microBatches: number,
): { readonly name: string; readonly shape: readonly number[] }[] {
  return carries.map(({ name, tensor: { shape: [lanes = 1, ...rest] } }) => ({
    name: CARRY + name,
    shape: [microBatches * lanes, ...rest],
  }));
}

/** Merges the carried states of all micro-batches, lanes in order: `carry.<name>` [S B, ...]. */
export function mergeCarries(
  carries: readonly Carry[],
  { microBatches, parts }: { microBatches: number; parts: readonly CarryPart[] },
): NamedTensor[] {
  return carries.map(({ name, tensor: { shape: [lanes = 1, ...rest] } }) => {
    const size = lanes * sizeOf(rest);
    const data = new Float32Array(microBatches * size);
    const own = parts.filter((part) => part.name === name);
    const count = new Set(own.map(({ index }) => index)).size;
    if (count !== microBatches || own.length !== count) {
      throw new RangeError(`Cannot merge ${name}: ${count} of ${microBatches} parts came`);
    }
    for (const part of own) data.set(part.data, part.index * size);
    return { name: CARRY + name, shape: [microBatches * lanes, ...rest], data };
  });
}

/** The carried state of micro-batch `index`. @throws {RangeError} if it is missing. */
export function carryOf(
  { name, tensor: { shape } }: Carry,
  index: number,
  optimizer: ReadonlyMap<string, NamedTensor>,
): Float32Array {
  const tensor = optimizer.get(CARRY + name);
  const size = sizeOf(shape);
  if (tensor === undefined || tensor.data.length < (index + 1) * size) {
    throw new RangeError(`Cannot load ${CARRY}${name}: the checkpoint lacks lanes of it`);
  }
  return tensor.data.slice(index * size, (index + 1) * size);
}

/** One bucket of a vector, filled from named tensors. @throws {RangeError} if one is missing. */
export function bucketOf(
  layout: Layout,
  { vector, bucket }: { vector: string; bucket: number },
  state: {
    readonly model: ReadonlyMap<string, NamedTensor>;
    readonly optimizer: ReadonlyMap<string, NamedTensor>;
  },
): Float32Array {
  const flat = new Float32Array(layout.buckets[bucket] as number);
  const from = vector === "param" ? state.model : state.optimizer;
  for (const entry of layout.entries) {
    if (entry.bucket !== bucket) continue;
    const name = vector === "param" ? entry.name : `${vector}.${entry.name}`;
    const tensor = from.get(name);
    if (tensor === undefined || tensor.shape.join() !== entry.shape.join()) {
      throw new RangeError(`Cannot load ${name}: the checkpoint lacks it in this shape`);
    }
    flat.set(tensor.data, entry.offset);
  }
  return flat;
}
