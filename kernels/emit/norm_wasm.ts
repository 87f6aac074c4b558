/** WebAssembly kernels of layer_norm and rms_norm, forward. */
import type { Body } from "../../src/wasm/body.ts";
import type { WasmKernel } from "../../src/wasm/kernel.ts";
import type { Area, Pointer, V128 } from "../../src/wasm/values.ts";
import { f32x4 } from "../../src/wasm/vectors.ts";
import {
  eachColumns,
  eachRows,
  JOIN_BYTES,
  joinRows,
  keepLanes,
  rowValues,
  updateVector,
} from "./rows_wasm.ts";

/** A norm over rows. */
export interface NormSizes {
  readonly rows: number;
  readonly columns: number;
  /** Added to the variance, or to the mean square. */
  readonly eps: number;
}

/** Layer norm: inputs x, gamma, beta; outputs y, mean, rstd. */
export function layerNormKernel(sizes: NormSizes): WasmKernel {
  return {
    scratch: JOIN_BYTES,
    print: (b, { inputs, outputs, scratch }) => {
      const [x, gain, shift] = inputs as [Area, Area, Area];
      const [y, means, rstds] = outputs as [Area, Area, Area];
      printNormWasm(b, sizes, { x, gain, shift, y, means, rstds, scratch });
    },
  };
}

/** RMS norm: inputs x, gain; outputs y, rstd. */
export function rmsNormKernel(sizes: NormSizes): WasmKernel {
  return {
    scratch: JOIN_BYTES,
    print: (b, { inputs, outputs, scratch }) => {
      const [x, gain] = inputs as [Area, Area];
      const [y, rstds] = outputs as [Area, Area];
      printNormWasm(b, sizes, { x, gain, y, rstds, scratch });
    },
  };
}

/**
 * Four rows at a time: three passes over the rows, which stay in the first-level cache, with one
 * square root and one division for all four. Without `means` and `shift` the norm is not centered.
 */
function printNormWasm(
  b: Body,
  { rows, columns, eps }: NormSizes,
  { x, gain, shift, y, means, rstds, scratch }: {
    readonly x: Area;
    readonly gain: Area;
    readonly shift?: Area;
    readonly y: Area;
    readonly means?: Area;
    readonly rstds: Area;
    readonly scratch: Area;
  },
): void {
  const stride = 4 * columns;
  const mean = (sum: V128) => b.let(f32x4.mul(sum, f32x4.splat(1 / columns)));
  const splats = (at: Pointer, count: number) =>
    Array.from({ length: count }, (_, r) => b.let(b.loadSplat(at.plus(4 * r))));
  const walks = [
    [b.at(x), stride],
    [b.at(y), stride],
    [b.at(rstds), 4],
    [b.at(means ?? rstds), 4],
  ] as const;
  eachRows(b, rows, { walks }, (at, count) => {
    const [fromX, toY, toRstds, toMeans] = at as [Pointer, Pointer, Pointer, Pointer];
    if (means !== undefined) {
      const sums = rowValues(b, count);
      eachColumns(b, columns, { from: [fromX] }, ({ at: [p], lanes }) => {
        sums.forEach((sum, r) => {
          lanes.forEach((n, k) => {
            const value = b.loadSome((p as Pointer).plus(r * stride + 16 * k), n);
            updateVector(b, sum, k, (old) => f32x4.add(old, value));
          });
        });
      });
      b.storeSome(toMeans, mean(joinRows(b, sums, { scratch })), count);
    }
    const centers = means === undefined ? undefined : splats(toMeans, count);
    const centered = (p: Pointer, r: number, n: number) => {
      const value = b.loadSome(p, n);
      return b.let(centers === undefined ? value : f32x4.sub(value, centers[r] as V128));
    };
    const squares = rowValues(b, count);
    eachColumns(b, columns, { from: [fromX] }, ({ at: [p], lanes }) => {
      squares.forEach((sum, r) => {
        lanes.forEach((n, k) => {
          const value = centered((p as Pointer).plus(r * stride + 16 * k), r, n);
          const d = b.let(keepLanes(value, n));
          updateVector(b, sum, k, (old) => f32x4.madd(d, d, old));
        });
      });
    });
    const root = f32x4.sqrt(f32x4.add(mean(joinRows(b, squares, { scratch })), f32x4.splat(eps)));
    b.storeSome(toRstds, f32x4.div(f32x4.splat(1), root), count);
    const scales = splats(toRstds, count);
    const from = [fromX, toY, b.at(gain), b.at(shift ?? gain)];
    eachColumns(b, columns, { from }, ({ at: step, lanes }) => {
      const [p, q, g, s] = step as [Pointer, Pointer, Pointer, Pointer];
      const gains = lanes.map((n, k) => b.let(b.loadSome(g.plus(16 * k), n)));
      const shifts = shift && lanes.map((n, k) => b.let(b.loadSome(s.plus(16 * k), n)));
      scales.forEach((scale, r) => {
        const values = lanes.map((n, k) => {
          const d = f32x4.mul(centered(p.plus(r * stride + 16 * k), r, n), scale);
          const gain = gains[k] as V128;
          return b.let(shifts ? f32x4.madd(d, gain, shifts[k] as V128) : f32x4.mul(d, gain));
        });
        lanes.forEach((n, k) => b.storeSome(q.plus(r * stride + 16 * k), values[k] as V128, n));
      });
    });
  });
}
