/** Shapes and cases of reductions over the last axis: x [..., D] -> [..., 1]. */
import { showShape, sizeOf } from "../../src/base/shape.ts";
import type { Case, Spec } from "../../src/graph/types.ts";

/** Rows R and columns D of a tensor [..., D]. */
export interface RowSizes {
  readonly rows: number;
  readonly columns: number;
}

/** The sizes of x [..., D]. */
export function rowSizes({ shape }: Spec): RowSizes {
  const columns = shape.at(-1) ?? 1;
  return { rows: sizeOf(shape) / columns, columns };
}

/** The spec [..., 1] of one value per row. @throws {RangeError} naming `op` on an empty row. */
export function rowValue(x: Spec | undefined, op: string): Spec {
  if (x === undefined || x.shape.length === 0 || sizeOf(x.shape) === 0) {
    throw new RangeError(`Cannot ${op} ${showShape(x?.shape ?? [])}: a row has no elements`);
  }
  return { shape: [...x.shape.slice(0, -1), 1], dtype: "f32" };
}

/** Cases at edges of vec4 loads, lanes and groups of rows, a long row, and a `bench` shape. */
export function rowCases(bench: readonly number[]): Case[] {
  const rowCase = (kind: Case["kind"], shape: readonly number[]): Case => (
    { kind, inputs: [{ shape, dtype: "f32" }], attrs: {} }
  );
  return [
    ...[1, 3, 4, 5, 63, 64, 65].map((columns) => rowCase("tile", [9, columns])),
    ...[1, 7, 8, 64].map((rows) => rowCase("tile", [rows, 32])),
    rowCase("ragged", [3, 5, 77]),
    rowCase("ragged", [11, 1028]),
    rowCase("ragged", [2, 65540]),
    rowCase("bench", bench),
  ];
}
