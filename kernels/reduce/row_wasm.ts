/** WebAssembly kernels of reductions over the last axis. */
import type { WasmKernel } from "../../src/wasm/kernel.ts";
import type { Area, Pointer, V128 } from "../../src/wasm/values.ts";
import { f32x4 } from "../../src/wasm/vectors.ts";
import {
  eachColumns,
  eachRows,
  fillLanes,
  JOIN_BYTES,
  joinRows,
  keepLanes,
  rowValues,
  updateVector,
} from "../emit/rows_wasm.ts";
import type { RowSizes } from "./row_sizes.ts";

/** A reduction of all elements of a row by a commutative operation. */
export interface VectorReduction {
  /** The value of no element, which changes no other value. */
  readonly start: number;
  readonly op: (a: V128, b: V128) => V128;
}

/** Sum of a row. */
export const VECTOR_SUM: VectorReduction = { start: 0, op: f32x4.add };
/** Largest element of a row, NaN if one is NaN. */
export const VECTOR_MAX: VectorReduction = { start: -Infinity, op: f32x4.max };

/** Reduces each row of input 0 to an element of output 0. */
export function rowReductionKernel(
  { rows, columns }: RowSizes,
  { start, op }: VectorReduction,
): WasmKernel {
  const stride = 4 * columns;
  return {
    scratch: JOIN_BYTES,
    print: (b, { inputs: [x], outputs: [y], scratch }) => {
      const walks = [[b.at(x as Area), stride], [b.at(y as Area), 4]] as const;
      eachRows(b, rows, { walks }, ([from, to], count) => {
        const values = rowValues(b, count, { start: f32x4.splat(start) });
        eachColumns(b, columns, { from: [from as Pointer] }, ({ at: [p], lanes }) => {
          values.forEach((value, r) => {
            lanes.forEach((n, k) => {
              const loaded = b.loadSome((p as Pointer).plus(r * stride + 16 * k), n);
              updateVector(b, value, k, (old) => op(old, fillLanes(loaded, n, start)));
            });
          });
        });
        b.storeSome(to as Pointer, joinRows(b, values, { scratch, op }), count);
      });
    },
  };
}

/** Between these a number has an inverse that is normal. */
const [SMALLEST, LARGEST] = [2 ** -126, 2 ** 126];

/**
 * Euclidean norms: the largest magnitude of a row, then the sum of squares in units of that, so that
 * squares neither overflow nor underflow.
 */
export function rowNormsKernel({ rows, columns }: RowSizes): WasmKernel {
  const stride = 4 * columns;
  return {
    scratch: JOIN_BYTES + 16,
    print: (b, { inputs: [x], outputs: [y], scratch }) => {
      const inverses = b.at(scratch, JOIN_BYTES);
      const walks = [[b.at(x as Area), stride], [b.at(y as Area), 4]] as const;
      eachRows(b, rows, { walks }, ([from, to], count) => {
        const element = (p: Pointer | undefined, { r, k, n }: Record<"r" | "k" | "n", number>) =>
          b.loadSome((p as Pointer).plus(r * stride + 16 * k), n);
        const largest = rowValues(b, count);
        eachColumns(b, columns, { from: [from as Pointer] }, ({ at: [p], lanes }) => {
          largest.forEach((value, r) => {
            lanes.forEach((n, k) => {
              // Keeps the value where the element is NaN; the sum of squares is NaN then.
              updateVector(
                b,
                value,
                k,
                (old) => f32x4.pmax(old, f32x4.abs(element(p, { r, k, n }))),
              );
            });
          });
        });
        const top = joinRows(b, largest, { scratch, op: f32x4.pmax });
        const unit = b.let(
          f32x4.pmax(f32x4.pmin(top, f32x4.splat(LARGEST)), f32x4.splat(SMALLEST)),
        );
        b.store(inverses, f32x4.div(f32x4.splat(1), unit));
        const inverse = largest.map((_, r) => b.let(b.loadSplat(inverses.plus(4 * r))));
        const squares = rowValues(b, count);
        eachColumns(b, columns, { from: [from as Pointer] }, ({ at: [p], lanes }) => {
          squares.forEach((sum, r) => {
            lanes.forEach((n, k) => {
              const scaled = f32x4.mul(element(p, { r, k, n }), inverse[r] as V128);
              const v = b.let(keepLanes(scaled, n));
              updateVector(b, sum, k, (old) => f32x4.madd(v, v, old));
            });
          });
        });
        const root = f32x4.sqrt(joinRows(b, squares, { scratch }));
        b.storeSome(to as Pointer, b.let(f32x4.mul(unit, root)), count);
      });
    },
  };
}
