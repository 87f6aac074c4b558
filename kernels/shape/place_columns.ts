/** Columns among zeros: x [..., count] -> [..., C]. The adjoint of columns, and it of this. */
import { showShape, sizeOf } from "../../src/base/shape.ts";
import { apply } from "../../src/graph/trace.ts";
import type { Case, Flow, Io, Op, Spec, Tensor } from "../../src/graph/types.ts";
import { LINE } from "../../src/graph/wgsl.ts";
import { columns } from "./columns.ts";
import { itemLaunch } from "../emit/items.ts";
import wgsl from "./place_columns.wgsl" with { type: "text" };

/** Where the columns go: `first` is the place of the first, `columns` the new last axis C. */
export interface PlaceColumnsAttrs {
  readonly first: number;
  readonly columns: number;
}

/** `x` [..., count] at column `first` of [..., columns], zeros elsewhere. */
export function placeColumns(x: Tensor, attrs: PlaceColumnsAttrs): Tensor {
  return apply(placeColumnsOp, [x], attrs);
}

function vjp(
  { inputs: [x] }: Io<Tensor>,
  [dy]: readonly Flow[],
  { first }: PlaceColumnsAttrs,
): readonly Flow[] {
  if (!x || !dy) return [];
  return [columns(dy, { first, count: x.shape.at(-1) ?? 1 })];
}

/** The op behind {@linkcode placeColumns}. */
export const placeColumnsOp: Op = {
  name: "place_columns",
  shape([x], { first, columns }: PlaceColumnsAttrs) {
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
  launch(io, attrs: PlaceColumnsAttrs, target) {
    const count = io.inputs[0]?.shape.at(-1) ?? 1;
    const columns = { COLUMNS: attrs.columns, FIRST: attrs.first, COUNT: count };
    return [itemLaunch(wgsl, io, { columns, target })];
  },
  reference({ inputs: [x], outputs: [y] }, { first, columns }: PlaceColumnsAttrs) {
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
  vjp,
  cases: [
    ...[[0, 8], [0, 4], [4, 4], [3, 4], [4, 3], [7, 1]].map(([first = 0, count = 1]) =>
      placed("tile", [9, count], { first, columns: 8 })
    ),
    ...[LINE - 1, LINE, LINE + 1].map((n) => placed("tile", [1, 5], { first: 1, columns: n })),
    ...[LINE - 1, LINE, LINE + 1].map((n) => placed("tile", [n, 4], { first: 8, columns: 12 })),
    placed("ragged", [3, 5, 11], { first: 6, columns: 17 }),
    placed("ragged", [3, 5, 12], { first: 4, columns: 20 }),
    placed("bench", [16, 64, 128], { first: 128, columns: 256 }),
  ],
};

function placed(kind: Case["kind"], shape: number[], attrs: PlaceColumnsAttrs): Case {
  const x: Spec = { shape, dtype: "f32" };
  return { kind, inputs: [x], attrs };
}
