/** WebAssembly kernels of softmax and its logarithm, forward and backward. */
import type { Body } from "../../src/wasm/body.ts";
import type { WasmKernel } from "../../src/wasm/kernel.ts";
import { expNormal } from "../../src/wasm/exp_normal.ts";
import { logVector } from "../../src/wasm/math.ts";
import type { Area, Pointer, V128 } from "../../src/wasm/values.ts";
import { f32x4 } from "../../src/wasm/vectors.ts";
import { EXPONENTIAL_BYTES, printExponentials } from "../emit/exponentials_wasm.ts";
import {
  eachColumns,
  eachRows,
  JOIN_BYTES,
  joinRows,
  keepLanes,
  rowValues,
  updateVector,
} from "../emit/rows_wasm.ts";
import type { RowSizes } from "../reduce/row_sizes.ts";

/** Softmax of input 0, or its logarithm. */
export function softmaxKernel(
  { rows, columns }: RowSizes,
  { isLog }: { readonly isLog: boolean },
): WasmKernel {
  const stride = 4 * columns;
  return {
    scratch: EXPONENTIAL_BYTES + 16,
    print: (b, { inputs: [x], outputs: [y], scratch }) => {
      const walks = [[b.at(x as Area), stride], [b.at(y as Area), stride]] as const;
      eachRows(b, rows, { walks }, ([x, y], count) => {
        const [from, to] = [x as Pointer, y as Pointer];
        const sizes = { columns, count };
        const areas = { x: from, scratch, ...!isLog && { y: to } };
        const { top, total } = printExponentials(b, sizes, areas);
        const stat = isLog ? f32x4.add(top, logVector(b, total)) : f32x4.div(f32x4.splat(1), total);
        const stats = b.at(scratch, EXPONENTIAL_BYTES);
        b.store(stats, b.let(stat));
        printRows(b, sizes, { from: [isLog ? from : to], to, stats }, ([value], own) => {
          return isLog ? f32x4.sub(value as V128, own) : f32x4.mul(value as V128, own);
        });
      });
    },
  };
}

/** Gradient of softmax, or of its logarithm, of the result (input 0) and its gradient (input 1). */
export function softmaxBackwardKernel(
  { rows, columns }: RowSizes,
  { isLog }: { readonly isLog: boolean },
): WasmKernel {
  const stride = 4 * columns;
  return {
    scratch: JOIN_BYTES + 16,
    print: (b, { inputs: [y, dy], outputs: [dx], scratch }) => {
      const walks = [y, dy, dx].map((area) => [b.at(area as Area), stride] as const);
      eachRows(b, rows, { walks }, (at, count) => {
        const [y, dy, dx] = at as [Pointer, Pointer, Pointer];
        const sums = rowValues(b, count);
        eachColumns(b, columns, { from: [y, dy] }, ({ at: [p, q], lanes }) => {
          sums.forEach((sum, r) => {
            lanes.forEach((n, k) => {
              const bytes = r * stride + 16 * k;
              const d = b.loadSome((q as Pointer).plus(bytes), n);
              if (isLog) return updateVector(b, sum, k, (old) => f32x4.add(old, keepLanes(d, n)));
              const value = b.loadSome((p as Pointer).plus(bytes), n);
              updateVector(b, sum, k, (old) => f32x4.madd(value, d, old));
            });
          });
        });
        const stats = b.at(scratch, JOIN_BYTES);
        b.store(stats, joinRows(b, sums, { scratch }));
        printRows(b, { columns, count }, { from: [y, dy], to: dx, stats }, (values, total) => {
          const [value, d] = values as [V128, V128];
          return isLog
            ? f32x4.nmadd(expNormal(b, value), total, d)
            : f32x4.mul(value, f32x4.sub(d, total));
        });
      });
    },
  };
}

/** Computes `count` rows from elements of `from` and one number per row at `stats`. */
function printRows(
  b: Body,
  { columns, count }: { readonly columns: number; readonly count: number },
  { from, to, stats }: {
    readonly from: readonly Pointer[];
    readonly to: Pointer;
    readonly stats: Pointer;
  },
  value: (values: readonly V128[], stat: V128) => V128,
): void {
  const stride = 4 * columns;
  const walks = [[to, stride], [stats, 4], ...from.map((p) => [p, stride] as const)] as const;
  b.walk(count, walks, (to, stats, ...from) => {
    const stat = b.let(b.loadSplat(stats as Pointer));
    eachColumns(b, columns, { from: [to as Pointer, ...from] }, ({ at: [q, ...at], lanes }) => {
      const values = lanes.map((n, k) => {
        const loaded = at.map((p) => b.let(b.loadSome(p.plus(16 * k), n)));
        return b.let(value(loaded, stat));
      });
      lanes.forEach((n, k) => b.storeSome((q as Pointer).plus(16 * k), values[k] as V128, n));
    });
  });
}
