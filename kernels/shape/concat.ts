/** Concatenation along the last axis: a [..., A], b [..., B] -> [..., A + B]. */
import { sameShape, showShape, sizeOf } from "../../src/base/shape.ts";
import { apply } from "../../src/graph/trace.ts";
import type { Case, Grad, Io, Op, Spec, Tensor } from "../../src/graph/types.ts";
import { WORKGROUP_SIZE } from "../../src/graph/wgsl.ts";
import { sliceLast } from "./slice_last.ts";
import { copyColumnsKernel } from "./shape_wasm.ts";
import wgsl from "./concat.wgsl" with { type: "text" };
import { itemLaunch } from "../emit/items.ts";

/**
 * Concatenates `a` f32 [..., A] and `b` f32 [..., B] along the last axis: f32 [..., A + B].
 * @throws {RangeError} when leading axes differ.
 */
export function concat(a: Tensor, b: Tensor): Tensor {
  return apply(concatOp, [a, b]);
}

function widthOf({ shape }: Spec): number {
  return shape.at(-1) ?? 1;
}

function vjp({ inputs: [a, b] }: Io<Tensor>, [dy]: readonly Grad[]): readonly Grad[] {
  if (!a || !b || !dy) return [];
  return [
    sliceLast(dy, { first: 0, count: widthOf(a) }),
    sliceLast(dy, { first: widthOf(a), count: widthOf(b) }),
  ];
}

/** The op behind {@linkcode concat}. */
export const concatOp: Op = {
  name: "concat",
  shape([a, b]) {
    if (!a || !b) throw new RangeError("Cannot concat: it takes two inputs");
    const leading = a.shape.slice(0, -1);
    if (!sameShape(leading, b.shape.slice(0, -1))) {
      throw new RangeError(
        `Cannot concat ${showShape(a.shape)} and ${showShape(b.shape)}: leading axes differ`,
      );
    }
    return [{ shape: [...leading, widthOf(a) + widthOf(b)], dtype: "f32" }];
  },
  launch(io, _, target) {
    const [A = 1, B = 1] = io.inputs.map(widthOf);
    return [itemLaunch(wgsl, io, { columns: { A, B }, target })];
  },
  wasm: ({ inputs, outputs: [y] }) => {
    const [left = 1, right = 1] = inputs.map(widthOf);
    const width = left + right;
    return copyColumnsKernel({ rows: sizeOf((y as Spec).shape) / width, width }, [
      { from: 0, width: left, count: left, to: 0 },
      { from: 0, width: right, count: right, to: left },
    ]);
  },
  reference({ inputs: [a, b], outputs: [y] }) {
    if (!a || !b || !y) return;
    const [left, right] = [widthOf(a), widthOf(b)];
    const rows = y.data.length / (left + right);
    for (let row = 0; row < rows; row++) {
      const at = row * (left + right);
      y.data.set(a.data.subarray(row * left, (row + 1) * left), at);
      y.data.set(b.data.subarray(row * right, (row + 1) * right), at + left);
    }
  },
  cost({ outputs: [y] }) {
    return { flops: 0, bytes: 8 * sizeOf(y?.shape ?? []), terms: 1 };
  },
  vjp,
  cases: [
    ...[[1, 1], [1, 3], [3, 4], [4, 4], [8, 4]].map(([a = 1, b = 1]) => beside("tile", [9], a, b)),
    ...[WORKGROUP_SIZE - 1, WORKGROUP_SIZE, WORKGROUP_SIZE + 1].map((rows) =>
      beside("tile", [rows], 3, 1)
    ),
    ...[WORKGROUP_SIZE - 1, WORKGROUP_SIZE, WORKGROUP_SIZE + 1].map((rows) =>
      beside("tile", [rows], 4, 8)
    ),
    beside("ragged", [3, 5], 7, 11),
    beside("ragged", [3, 5], 20, 12),
    beside("bench", [16, 64], 128, 128),
  ],
};

function beside(kind: Case["kind"], leading: number[], ...widths: number[]): Case {
  const inputs = widths.map((n): Spec => ({ shape: [...leading, n], dtype: "f32" }));
  return { kind, inputs, attrs: {} };
}
