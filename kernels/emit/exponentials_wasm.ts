/** Sums of exponentials of rows, for softmax and cross entropy in WebAssembly. */
import type { Body } from "../../src/wasm/body.ts";
import { expNormal } from "../../src/wasm/exp_normal.ts";
import type { Area, Pointer, V128 } from "../../src/wasm/values.ts";
import { f32x4 } from "../../src/wasm/vectors.ts";
import {
  eachColumns,
  fillLanes,
  JOIN_BYTES,
  joinRows,
  joinStored,
  keepLanes,
  ROW_BYTES,
  rowValues,
  storeRow,
  updateVector,
} from "./rows_wasm.ts";

/** Bytes of scratch memory that {@linkcode printExponentials} takes. */
export const EXPONENTIAL_BYTES = JOIN_BYTES + 16;

/**
 * Of `count` rows of `columns` elements from `x` on: the largest element `top` and the sum `total` of
 * exp(x - top), lane r of row r; of one row in all lanes. The largest are also at `tops`, one after
 * the other. Writes the exponentials to `y`, if given. A row with NaN has the total NaN.
 */
export function printExponentials(
  b: Body,
  { columns, count }: { readonly columns: number; readonly count: number },
  { x, y, scratch }: { readonly x: Pointer; readonly y?: Pointer; readonly scratch: Area },
): { readonly top: V128; readonly tops: Pointer; readonly total: V128 } {
  const stride = 4 * columns;
  const largest = rowValues(b, count, { start: f32x4.splat(-Infinity) });
  eachColumns(b, columns, { from: [x] }, ({ at: [p], lanes }) => {
    largest.forEach((value, r) => {
      lanes.forEach((n, k) => {
        const loaded = b.loadSome((p as Pointer).plus(r * stride + 16 * k), n);
        updateVector(b, value, k, (old) => f32x4.pmax(old, fillLanes(loaded, n, -Infinity)));
      });
    });
  });
  const top = joinRows(b, largest, { scratch, op: f32x4.pmax });
  const tops = b.at(scratch, JOIN_BYTES);
  b.store(tops, top);
  const walks = [[x, stride], [y ?? x, stride], [tops, 4], [b.at(scratch), ROW_BYTES]] as const;
  b.walk(count, walks, (...at) => {
    const [from, to, topAt, sumAt] = at as [Pointer, Pointer, Pointer, Pointer];
    const own = b.let(b.loadSplat(topAt));
    const [sum = []] = rowValues(b, 1);
    eachColumns(b, columns, { from: [from, to] }, ({ at: [p, q], lanes }) => {
      const values = lanes.map((n, k) => {
        const below = f32x4.sub(b.loadSome((p as Pointer).plus(16 * k), n), own);
        return expNormal(b, b.let(below));
      });
      lanes.forEach((n, k) => {
        updateVector(b, sum, k, (old) => f32x4.add(old, keepLanes(values[k] as V128, n)));
      });
      if (y === undefined) return;
      lanes.forEach((n, k) => b.storeSome((q as Pointer).plus(16 * k), values[k] as V128, n));
    });
    storeRow(b, sum, sumAt);
  });
  return { top, tops, total: joinStored(b, count, { at: b.at(scratch) }) };
}
