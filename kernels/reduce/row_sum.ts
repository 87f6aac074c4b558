/**
 * Sum of each row, x [..., D] -> [..., 1], and its adjoint: each row filled with one value,
 * x [..., 1] -> [..., D].
 */
import { showShape, sizeOf } from "../../src/base/shape.ts";
import { apply } from "../../src/graph/trace.ts";
import type { Case, Grad, Io, Op, Spec, Tensor } from "../../src/graph/types.ts";
import { broadcastLastKernel } from "../shape/shape_wasm.ts";
import { itemLaunch } from "../emit/items.ts";
import broadcastWgsl from "./broadcast_last.wgsl" with { type: "text" };
import wgsl from "./row_sum.wgsl" with { type: "text" };
import { rowReduction } from "./row_reduction.ts";
import { VECTOR_SUM } from "./row_wasm.ts";
import { rowCases } from "./row_sizes.ts";

/** Sums f32 [..., 1] of the rows of `x` f32 [..., D]. @throws {RangeError} when a row is empty. */
export function rowSum(x: Tensor): Tensor {
  return apply(rowSumOp, [x]);
}

function sumVjp({ inputs: [x] }: Io<Tensor>, [dy]: readonly Grad[]): readonly Grad[] {
  return x && dy ? [broadcastLast(dy, x.shape.at(-1) as number)] : [];
}

/** The op behind {@linkcode rowSum}. */
export const rowSumOp: Op = {
  ...rowReduction({
    name: "row_sum",
    wgsl,
    vectors: VECTOR_SUM,
    first: 0,
    next: (total, element) => total + element,
    terms: (columns) => columns,
  }),
  vjp: sumVjp,
  // More positive values than negative ones: no sum is far smaller than its terms.
  cases: rowCases([1024, 128]).map((test) => ({ ...test, range: { 0: [-0.5, 1] } })),
};

/** `columns` D: the new last axis. */
export interface BroadcastLastAttrs {
  readonly columns: number;
}

/**
 * `x` f32 [..., 1] repeated along the last axis: f32 [..., columns].
 * @throws {RangeError} when the last axis of x is not 1.
 */
export function broadcastLast(x: Tensor, columns: number): Tensor {
  return apply(broadcastLastOp, [x], { columns });
}

/** The op behind {@linkcode broadcastLast}. */
export const broadcastLastOp: Op = {
  name: "broadcast_last",
  shape([x], { columns }: BroadcastLastAttrs) {
    if (x === undefined || x.shape.at(-1) !== 1 || columns < 1) {
      throw new RangeError(
        `Cannot broadcast_last ${showShape(x?.shape ?? [])} to ${columns} columns: ` +
          "need [..., 1] and at least 1",
      );
    }
    return [{ shape: [...x.shape.slice(0, -1), columns], dtype: "f32" }];
  },
  launch(io, { columns }: BroadcastLastAttrs, target) {
    return [itemLaunch(broadcastWgsl, io, { columns: { COLUMNS: columns }, target })];
  },
  wasm: ({ inputs: [x] }, { columns }: BroadcastLastAttrs) =>
    broadcastLastKernel({ rows: sizeOf((x as Spec).shape), columns }),
  reference({ inputs: [x], outputs: [y] }, { columns }: BroadcastLastAttrs) {
    if (!x || !y) return;
    for (let i = 0; i < y.data.length; i++) y.data[i] = x.data[Math.floor(i / columns)] as number;
  },
  cost({ inputs: [x], outputs: [y] }) {
    return { flops: 0, bytes: 4 * (sizeOf(x?.shape ?? []) + sizeOf(y?.shape ?? [])), terms: 1 };
  },
  vjp: (_, [dy]) => dy ? [rowSum(dy)] : [],
  cases: [
    ...[1, 3, 4, 5, 63, 64, 65].map((columns) => broadcastCase("tile", [9, 1], columns)),
    broadcastCase("ragged", [3, 5, 1], 77),
    broadcastCase("ragged", [3, 5, 1], 28),
    broadcastCase("bench", [1024, 1], 128),
  ],
};

function broadcastCase(kind: Case["kind"], shape: number[], columns: number): Case {
  return { kind, inputs: [{ shape, dtype: "f32" }], attrs: { columns } };
}
