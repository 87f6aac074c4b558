/**
 * Euclidean norm of each row: x [..., D] -> [R]. Rows are divided by their largest element before
 * squaring: the squares of a vanishing gradient of 1e-25 would underflow in f32.
 */
import { showShape, sizeOf } from "../../src/base/shape.ts";
import { apply } from "../../src/graph/trace.ts";
import type { Case, Op, Spec, Tensor } from "../../src/graph/types.ts";
import { rowKernel } from "../emit/rows.ts";
import { rowNormsKernel } from "./row_wasm.ts";
import wgsl from "./row_norms.wgsl" with { type: "text" };

/**
 * Euclidean norms f32 [R] of the rows of `x` f32 [..., D]. It has no gradient.
 * @throws {RangeError} when a row has no elements.
 */
export function rowNorms(x: Tensor): Tensor {
  return apply(rowNormsOp, [x]);
}

function sizes({ shape }: Spec): { rows: number; columns: number } {
  const columns = shape.at(-1) ?? 1;
  return { rows: sizeOf(shape) / columns, columns };
}

/** The op behind {@linkcode rowNorms}. */
export const rowNormsOp: Op = {
  name: "row_norms",
  shape([x]) {
    if (x === undefined || sizeOf(x.shape) === 0) {
      throw new RangeError(
        `Cannot take row_norms of ${showShape(x?.shape ?? [])}: a row has no elements`,
      );
    }
    return [{ shape: [sizes(x).rows], dtype: "f32" }];
  },
  launch({ inputs: [x] }, _, target) {
    const { rows, columns } = sizes(x as Spec);
    const { prelude, groups } = rowKernel(rows, columns, target);
    return [{ wgsl: prelude + wgsl, bindings: [{ input: 0 }, { output: 0 }], groups }];
  },
  wasm: ({ inputs: [x] }) => rowNormsKernel(sizes(x as Spec)),
  reference({ inputs: [x], outputs: [norms] }) {
    if (!x || !norms) return;
    const { rows, columns } = sizes(x);
    for (let row = 0; row < rows; row++) {
      let total = 0;
      for (let c = 0; c < columns; c++) total += (x.data[row * columns + c] as number) ** 2;
      norms.data[row] = Math.sqrt(total);
    }
  },
  cost({ inputs: [x] }) {
    const { rows, columns } = sizes(x as Spec);
    const n = rows * columns;
    return { flops: 3 * n, bytes: 4 * (n + rows), terms: columns + 16 };
  },
  cases: [
    ...[1, 3, 4, 5, 63, 64, 65].map((columns) => normsCase("tile", [9, columns])),
    ...[1, 7, 8, 64].map((rows) => normsCase("tile", [rows, 32])),
    normsCase("ragged", [3, 5, 77]),
    normsCase("ragged", [11, 1028]),
    normsCase("ragged", [5, 21], 1e-25),
    normsCase("ragged", [5, 20], 1e30),
    normsCase("bench", [1024, 128]),
  ],
};

/** A case with elements up to `largest` in magnitude. */
function normsCase(kind: Case["kind"], shape: number[], largest = 1): Case {
  const x: Spec = { shape, dtype: "f32" };
  return { kind, inputs: [x], attrs: {}, range: { 0: [-largest, largest] } };
}
