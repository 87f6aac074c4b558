/**
 * A slice of the last axis, x [..., C] -> [..., count], and its adjoint: a pad of the last axis
 * with zeros, x [..., count] -> [..., C].
 */
import { showShape, sizeOf } from "../../src/base/shape.ts";
import { apply } from "../../src/graph/trace.ts";
import type { Case, Grad, Io, Op, Spec, Tensor } from "../../src/graph/types.ts";
import { WORKGROUP_SIZE } from "../../src/graph/wgsl.ts";
import { copyColumnsKernel, padKernel } from "./shape_wasm.ts";
import { itemLaunch } from "../emit/items.ts";
import padWgsl from "./pad_last.wgsl" with { type: "text" };
import sliceWgsl from "./slice_last.wgsl" with { type: "text" };

/** The slice `[first, first + count)` of the last axis. */
export interface SliceLastAttrs {
  /** First column. */
  readonly first: number;
  /** Number of columns. */
  readonly count: number;
}

/**
 * Columns `first` to `first + count - 1` of `x` f32 [..., C]: f32 [..., count].
 * @throws {RangeError} when they exceed the last axis.
 */
export function sliceLast(x: Tensor, { first, count }: SliceLastAttrs): Tensor {
  return apply(sliceLastOp, [x], { first, count });
}

function sliceVjp(
  { inputs: [x] }: Io<Tensor>,
  [dy]: readonly Grad[],
  { first }: SliceLastAttrs,
): Grad[] {
  if (!x || !dy) return [];
  return [padLast(dy, { first, columns: x.shape.at(-1) ?? 1 })];
}

/** The op behind {@linkcode sliceLast}. */
export const sliceLastOp: Op = {
  name: "slice_last",
  shape([x], { first, count }: SliceLastAttrs) {
    if (!x) throw new RangeError("Cannot take columns: it takes one input");
    const width = x.shape.at(-1) ?? 1;
    if (first < 0 || count < 1 || first + count > width) {
      throw new RangeError(
        `Cannot take ${count} columns from ${first} on of ${showShape(x.shape)}: ` +
          `the last axis is ${width}`,
      );
    }
    return [{ shape: [...x.shape.slice(0, -1), count], dtype: "f32" }];
  },
  launch(io, { first, count }: SliceLastAttrs, target) {
    const width = io.inputs[0]?.shape.at(-1) ?? 1;
    const columns = { COLUMNS: width, FIRST: first, COUNT: count };
    return [itemLaunch(sliceWgsl, io, { columns, target })];
  },
  wasm({ inputs: [x], outputs: [y] }, { first, count }: SliceLastAttrs) {
    const columns = { from: first, width: (x as Spec).shape.at(-1) ?? 1, count, to: 0 };
    const rows = sizeOf((y as Spec).shape) / count;
    return copyColumnsKernel({ rows, width: count }, [columns]);
  },
  reference({ inputs: [x], outputs: [y] }, { first, count }: SliceLastAttrs) {
    if (!x || !y) return;
    const width = x.shape.at(-1) ?? 1;
    for (let row = 0; row < y.data.length / count; row++) {
      const at = row * width + first;
      y.data.set(x.data.subarray(at, at + count), row * count);
    }
  },
  cost({ outputs: [y] }) {
    return { flops: 0, bytes: 8 * sizeOf(y?.shape ?? []), terms: 1 };
  },
  vjp: sliceVjp,
  cases: [
    ...[[0, 8], [0, 4], [4, 4], [3, 4], [4, 3], [7, 1]].map(([first = 0, count = 1]) =>
      cut("tile", [9, 8], { first, count })
    ),
    ...[WORKGROUP_SIZE - 1, WORKGROUP_SIZE, WORKGROUP_SIZE + 1].map((n) =>
      cut("tile", [n, 3], { first: 1, count: 1 })
    ),
    ...[WORKGROUP_SIZE - 1, WORKGROUP_SIZE, WORKGROUP_SIZE + 1].map((n) =>
      cut("tile", [n, 12], { first: 8, count: 4 })
    ),
    cut("ragged", [3, 5, 17], { first: 6, count: 11 }),
    cut("ragged", [3, 5, 20], { first: 4, count: 12 }),
    cut("bench", [16, 64, 256], { first: 128, count: 128 }),
  ],
};

function cut(kind: Case["kind"], shape: number[], attrs: SliceLastAttrs): Case {
  const x: Spec = { shape, dtype: "f32" };
  return { kind, inputs: [x], attrs };
}

/** `first`: the destination column of column 0; `columns`: the new last axis C. */
export interface PadLastAttrs {
  readonly first: number;
  readonly columns: number;
}

/**
 * Pads the last axis with zeros: `x` f32 [..., count] at column `first` of f32 [..., columns].
 * @throws {RangeError} when x exceeds `columns`.
 */
export function padLast(x: Tensor, attrs: PadLastAttrs): Tensor {
  return apply(padLastOp, [x], attrs);
}

function padVjp(
  { inputs: [x] }: Io<Tensor>,
  [dy]: readonly Grad[],
  { first }: PadLastAttrs,
): readonly Grad[] {
  if (!x || !dy) return [];
  return [sliceLast(dy, { first, count: x.shape.at(-1) ?? 1 })];
}

/** The op behind {@linkcode padLast}. */
export const padLastOp: Op = {
  name: "pad_last",
  shape([x], { first, columns }: PadLastAttrs) {
    if (!x) throw new RangeError("Cannot place columns: it takes one input");
    const count = x.shape.at(-1) ?? 1;
    if (first < 0 || first + count > columns) {
      throw new RangeError(
        `Cannot place columns of ${showShape(x.shape)} at ${first}: ` +
          `the new last axis is ${columns}`,
      );
    }
    return [{ shape: [...x.shape.slice(0, -1), columns], dtype: "f32" }];
  },
  launch(io, attrs: PadLastAttrs, target) {
    const count = io.inputs[0]?.shape.at(-1) ?? 1;
    const columns = { COLUMNS: attrs.columns, FIRST: attrs.first, COUNT: count };
    return [itemLaunch(padWgsl, io, { columns, target })];
  },
  wasm({ inputs: [x], outputs: [y] }, { first, columns: width }: PadLastAttrs) {
    const rows = sizeOf((y as Spec).shape) / width;
    return padKernel({ rows, count: (x as Spec).shape.at(-1) ?? 1, first, width });
  },
  reference({ inputs: [x], outputs: [y] }, { first, columns }: PadLastAttrs) {
    if (!x || !y) return;
    const count = x.shape.at(-1) ?? 1;
    y.data.fill(0);
    for (let row = 0; row < y.data.length / columns; row++) {
      y.data.set(x.data.subarray(row * count, (row + 1) * count), row * columns + first);
    }
  },
  cost({ inputs: [x], outputs: [y] }) {
    return { flops: 0, bytes: 4 * (sizeOf(x?.shape ?? []) + sizeOf(y?.shape ?? [])), terms: 1 };
  },
  vjp: padVjp,
  cases: [
    ...[[0, 8], [0, 4], [4, 4], [3, 4], [4, 3], [7, 1]].map(([first = 0, count = 1]) =>
      placed("tile", [9, count], { first, columns: 8 })
    ),
    ...[WORKGROUP_SIZE - 1, WORKGROUP_SIZE, WORKGROUP_SIZE + 1].map((n) =>
      placed("tile", [1, 5], { first: 1, columns: n })
    ),
    ...[WORKGROUP_SIZE - 1, WORKGROUP_SIZE, WORKGROUP_SIZE + 1].map((n) =>
      placed("tile", [n, 4], { first: 8, columns: 12 })
    ),
    placed("ragged", [3, 5, 11], { first: 6, columns: 17 }),
    placed("ragged", [3, 5, 12], { first: 4, columns: 20 }),
    placed("bench", [16, 64, 128], { first: 128, columns: 256 }),
  ],
};

function placed(kind: Case["kind"], shape: number[], attrs: PadLastAttrs): Case {
  const x: Spec = { shape, dtype: "f32" };
  return { kind, inputs: [x], attrs };
}
