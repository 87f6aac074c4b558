/** A run of the last axis: x [..., C] -> [..., count]. Its adjoint is place_columns. */
import { showShape, sizeOf } from "../../src/base/shape.ts";
import { apply } from "../../src/graph/trace.ts";
import type { Case, Flow, Io, Op, Spec, Tensor } from "../../src/graph/types.ts";
import { LINE } from "../../src/graph/wgsl.ts";
import wgsl from "./columns.wgsl" with { type: "text" };
import { itemLaunch } from "../emit/items.ts";
import { placeColumns } from "./place_columns.ts";

/** Which columns: `first`, counted from 0, and the `count` - 1 behind it. */
export interface ColumnsAttrs {
  readonly first: number;
  readonly count: number;
}

/** Columns `first` to `first + count - 1` of `x` [..., C]: [..., count]. */
export function columns(x: Tensor, { first, count }: ColumnsAttrs): Tensor {
  return apply(columnsOp, [x], { first, count });
}

function vjp({ inputs: [x] }: Io<Tensor>, [dy]: readonly Flow[], { first }: ColumnsAttrs): Flow[] {
  if (!x || !dy) return [];
  return [placeColumns(dy, { first, columns: x.shape.at(-1) ?? 1 })];
}

/** The op behind {@linkcode columns}. */
export const columnsOp: Op = {
  name: "columns",
  shape([x], { first, count }: ColumnsAttrs) {
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
  launch(io, { first, count }: ColumnsAttrs, target) {
    const width = io.inputs[0]?.shape.at(-1) ?? 1;
    const columns = { COLUMNS: width, FIRST: first, COUNT: count };
    return [itemLaunch(wgsl, io, { columns, target })];
  },
  reference({ inputs: [x], outputs: [y] }, { first, count }: ColumnsAttrs) {
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
  vjp,
  cases: [
    ...[[0, 8], [0, 4], [4, 4], [3, 4], [4, 3], [7, 1]].map(([first = 0, count = 1]) =>
      cut("tile", [9, 8], { first, count })
    ),
    ...[LINE - 1, LINE, LINE + 1].map((n) => cut("tile", [n, 3], { first: 1, count: 1 })),
    ...[LINE - 1, LINE, LINE + 1].map((n) => cut("tile", [n, 12], { first: 8, count: 4 })),
    cut("ragged", [3, 5, 17], { first: 6, count: 11 }),
    cut("ragged", [3, 5, 20], { first: 4, count: 12 }),
    cut("bench", [16, 64, 256], { first: 128, count: 128 }),
  ],
};

function cut(kind: Case["kind"], shape: number[], attrs: ColumnsAttrs): Case {
  const x: Spec = { shape, dtype: "f32" };
  return { kind, inputs: [x], attrs };
}
