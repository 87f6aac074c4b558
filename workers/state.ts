/**
 * Between flat vectors on devices and named tensors in checkpoints. Pure. Optimizer tensors are
 * named `<moment>.<parameter>`.
 */
import { mergeParts } from "../src/checkpoint/merge.ts";
import type { Part } from "../src/checkpoint/merge.ts";
import type { NamedTensor } from "../src/checkpoint/tensor.ts";
import { paramsOf } from "../src/plan/layout.ts";
import type { Layout } from "../src/plan/layout.ts";

/** A slice of one piece of one vector. */
export interface VectorPart extends Part {
  readonly vector: string;
  readonly piece: number;
}

/** Parameters and moments as a checkpoint holds them. */
export interface NamedState {
  readonly model: readonly NamedTensor[];
  readonly optimizer: readonly NamedTensor[];
}

/** Puts slices of all vectors together. @throws {RangeError} when they leave holes or overlap. */
export function mergeState(
  layout: Layout,
  { moments, parts }: { moments: readonly string[]; parts: readonly VectorPart[] },
): NamedState {
  const vector = (name: string, prefix: string) =>
    layout.pieces.flatMap((length, piece) => {
      const tensors = paramsOf(layout).filter((e) => e.piece === piece)
        .map(({ name, shape, offset }) => ({ name: prefix + name, shape, offset }));
      const own = parts.filter((part) => part.vector === name && part.piece === piece);
      return mergeParts({ length, tensors }, own);
    });
  return {
    model: vector("param", ""),
    optimizer: moments.flatMap((moment) => vector(moment, `${moment}.`)),
  };
}

/** One piece of a vector, filled from named tensors. @throws {RangeError} when one is missing. */
export function pieceOf(
  layout: Layout,
  { vector, piece }: { vector: string; piece: number },
  state: {
    readonly model: ReadonlyMap<string, NamedTensor>;
    readonly optimizer: ReadonlyMap<string, NamedTensor>;
  },
): Float32Array {
  const flat = new Float32Array(layout.pieces[piece] as number);
  const from = vector === "param" ? state.model : state.optimizer;
  for (const entry of paramsOf(layout)) {
    if (entry.piece !== piece) continue;
    const name = vector === "param" ? entry.name : `${vector}.${entry.name}`;
    const tensor = from.get(name);
    if (tensor === undefined || tensor.shape.join() !== entry.shape.join()) {
      throw new RangeError(`Cannot load ${name}: the checkpoint lacks it in this shape`);
    }
    flat.set(tensor.data, entry.offset);
  }
  return flat;
}
