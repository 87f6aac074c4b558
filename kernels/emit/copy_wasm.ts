/** Copies and fills of rows by WebAssembly kernels. */
import type { Body, Walk } from "../../src/wasm/body.ts";
import type { Pointer, V128 } from "../../src/wasm/values.ts";
import { v128 } from "../../src/wasm/vectors.ts";
import { eachColumns } from "./rows_wasm.ts";

/** Vectors of one iteration. */
const VECTORS = 4;

/** Copies `columns` contiguous elements, or what `value` makes of them. */
export function copyColumns(
  b: Body,
  columns: number,
  { from, to, value = (v) => v }: {
    readonly from: Pointer;
    readonly to: Pointer;
    readonly value?: (v: V128) => V128;
  },
): void {
  eachColumns(b, columns, { from: [from, to], vectors: VECTORS }, ({ at, lanes }) => {
    const [p, q] = at as [Pointer, Pointer];
    const values = lanes.map((n, k) => b.let(value(b.loadSome(p.plus(16 * k), n))));
    lanes.forEach((n, k) => b.storeSome(q.plus(16 * k), values[k] as V128, n));
  });
}

/** Fills `columns` contiguous elements with a value that is in all lanes; default: 0. */
export function fillColumns(
  b: Body,
  columns: number,
  { to, value = v128.zero }: { readonly to: Pointer; readonly value?: V128 },
): void {
  eachColumns(b, columns, { from: [to], vectors: VECTORS }, ({ at: [p], lanes }) => {
    lanes.forEach((n, k) => b.storeSome((p as Pointer).plus(16 * k), value, n));
  });
}

/** Copies `rows` rows of `columns` elements: `from` and `to` are pointers and bytes between rows. */
export function copyStridedRows(
  b: Body,
  { rows, columns }: { readonly rows: number; readonly columns: number },
  { from, to }: { readonly from: Walk; readonly to: Walk },
): void {
  if (from[1] === 4 * columns && to[1] === 4 * columns) {
    return copyColumns(b, rows * columns, { from: from[0], to: to[0] });
  }
  b.walk(rows, [from, to], (from, to) => {
    copyColumns(b, columns, { from: from as Pointer, to: to as Pointer });
  });
}
