/** WebAssembly kernels of layer_norm_backward and rms_norm_backward. */
import type { Body } from "../../src/wasm/body.ts";
import type { WasmKernel } from "../../src/wasm/kernel.ts";
import type { Area, Pointer, V128 } from "../../src/wasm/values.ts";
import { f32x4, i32x4, v128 } from "../../src/wasm/vectors.ts";
import {
  addRows,
  eachColumns,
  eachRows,
  JOIN_BYTES,
  joinRows,
  rowValues,
  updateVector,
} from "./rows_wasm.ts";

/** Sizes of a norm's gradients. */
export interface NormBackwardSizes {
  readonly rows: number;
  readonly columns: number;
  /** Rows per partial sum. */
  readonly strip: number;
}

interface NormBackwardAreas {
  readonly x: Area;
  readonly gain: Area;
  /** Of a norm that is not centered: undefined, like `dshift`. */
  readonly means?: Area;
  readonly rstds: Area;
  readonly dy: Area;
  readonly dx: Area;
  readonly dgain: Area;
  readonly dshift?: Area;
  /** [strips, 2, columns] if the norm is centered, else [strips, columns]. */
  readonly partial: Area;
  readonly scratch: Area;
}

/** Layer norm: inputs x, gamma, mean, rstd, dy; outputs dx, dgamma, dbeta, partial sums. */
export function layerNormBackwardKernel(sizes: NormBackwardSizes): WasmKernel {
  return {
    scratch: JOIN_BYTES + 8 * sizes.strip,
    print: (b, { inputs, outputs, scratch }) => {
      const [x, gain, means, rstds, dy] = inputs as [Area, Area, Area, Area, Area];
      const [dx, dgain, dshift, partial] = outputs as [Area, Area, Area, Area];
      const areas = { x, gain, means, rstds, dy, dx, dgain, dshift, partial, scratch };
      printStrips(b, sizes, areas);
    },
  };
}

/** RMS norm: inputs x, gain, rstd, dy; outputs dx, dgain, partial sums. */
export function rmsNormBackwardKernel(sizes: NormBackwardSizes): WasmKernel {
  return {
    scratch: JOIN_BYTES + 8 * sizes.strip,
    print: (b, { inputs, outputs, scratch }) => {
      const [x, gain, rstds, dy] = inputs as [Area, Area, Area, Area];
      const [dx, dgain, partial] = outputs as [Area, Area, Area];
      printStrips(b, sizes, { x, gain, rstds, dy, dx, dgain, partial, scratch });
    },
  };
}

function printStrips(
  b: Body,
  { rows, columns, strip }: NormBackwardSizes,
  areas: NormBackwardAreas,
): void {
  const { x, dy, dx, rstds, means, partial, dgain, dshift } = areas;
  const stride = 4 * columns;
  const partialBytes = means === undefined ? stride : 2 * stride;
  const full = Math.floor(rows / strip);
  const walks = [
    [b.at(x), strip * stride],
    [b.at(dy), strip * stride],
    [b.at(dx), strip * stride],
    [b.at(rstds), 4 * strip],
    [b.at(means ?? rstds), 4 * strip],
    [b.at(partial), partialBytes],
  ] as const;
  const printStrip = (count: number, at: readonly Pointer[]) => {
    const [x, dy, dx, rstd, mean, partial] = at as [
      Pointer,
      Pointer,
      Pointer,
      Pointer,
      Pointer,
      Pointer,
    ];
    const pointers = { x, dy, dx, rstd, mean, partial };
    printSlopes(b, { columns, count }, { areas, pointers });
    printGradients(b, { columns, count }, { areas, pointers });
  };
  b.walk(full, walks, (...at) => printStrip(strip, at));
  if (rows > full * strip) {
    printStrip(rows - full * strip, walks.map(([pointer, step]) => pointer.plus(full * step)));
  }
  const strips = { rows: Math.ceil(rows / strip), columns, stride: partialBytes };
  addRows(b, { ...strips, from: b.at(partial), to: b.at(dgain) });
  if (dshift) addRows(b, { ...strips, from: b.at(partial, stride), to: b.at(dshift) });
}

interface StripPointers {
  readonly x: Pointer;
  readonly dy: Pointer;
  readonly dx: Pointer;
  readonly rstd: Pointer;
  readonly mean: Pointer;
  readonly partial: Pointer;
}

interface Strip {
  readonly areas: NormBackwardAreas;
  readonly pointers: StripPointers;
}

/** Floats per row that {@linkcode printSlopes} leaves in the scratch memory. */
function slopesPerRow({ means }: NormBackwardAreas): 1 | 2 {
  return means === undefined ? 1 : 2;
}

/**
 * With g = dy * gain and c = x - mean, the gradient of a row is rstd * g + p + c * a, where
 * p = -rstd * mean(g), if the norm is centered, and a = -rstd^3 * mean(g * c). Leaves p and a of each
 * row in the scratch memory.
 */
function printSlopes(
  b: Body,
  { columns, count }: { readonly columns: number; readonly count: number },
  { areas, pointers: { x, dy, rstd, mean } }: Strip,
): void {
  const { means, gain, scratch } = areas;
  const perRow = slopesPerRow(areas);
  const stride = 4 * columns;
  const walks = [
    [x, stride],
    [dy, stride],
    [rstd, 4],
    [mean, 4],
    [b.at(scratch, JOIN_BYTES), 4 * perRow],
  ] as const;
  eachRows(b, count, { walks, block: 4 / perRow }, (at, rows) => {
    const [x, dy, rstd, mean, to] = at as [Pointer, Pointer, Pointer, Pointer, Pointer];
    const indices = Array.from({ length: rows }, (_, r) => r);
    const centers = means && indices.map((r) => b.let(b.loadSplat(mean.plus(4 * r))));
    const sums = rowValues(b, rows * perRow);
    eachColumns(b, columns, { from: [x, dy, b.at(gain)] }, ({ at: step, lanes }) => {
      const [p, q, g] = step as [Pointer, Pointer, Pointer];
      const gains = lanes.map((n, k) => b.let(b.loadSome(g.plus(16 * k), n)));
      indices.forEach((r) => {
        const [plain, along] = [sums[r * perRow], sums[r * perRow + perRow - 1]];
        lanes.forEach((n, k) => {
          const at = r * stride + 16 * k;
          const value = b.let(f32x4.mul(b.loadSome(q.plus(at), n), gains[k] as V128));
          const from = b.loadSome(p.plus(at), n);
          const c = centers === undefined ? from : f32x4.sub(from, centers[r] as V128);
          updateVector(b, along, k, (old) => f32x4.madd(value, c, old));
          if (centers !== undefined) updateVector(b, plain, k, (old) => f32x4.add(old, value));
        });
      });
    });
    const rstds = b.let(
      rows === 1
        ? b.loadSplat(rstd)
        : means === undefined
        ? b.load(rstd)
        : spreadPairs(b, b.loadSome(rstd, 2)),
    );
    const isAlong = means === undefined ? i32x4.splat(-1) : i32x4.of(0, -1, 0, -1);
    const squares = f32x4.mul(f32x4.mul(rstds, rstds), rstds);
    const factor = v128.select(isAlong, squares, rstds);
    const total = joinRows(b, sums, { scratch });
    const slopes = f32x4.mul(f32x4.mul(total, f32x4.splat(-1 / columns)), factor);
    b.storeSome(to, b.let(slopes), rows * perRow);
  });
}

/** [a0, a0, a1, a1] */
function spreadPairs(b: Body, value: V128): V128 {
  const a = b.let(value);
  return v128.shuffle(a, a, [0, 0, 1, 1]);
}

/** dx, and the strip's sums of dy * c * rstd and of dy, over all rows of the strip per column. */
function printGradients(
  b: Body,
  { columns, count }: { readonly columns: number; readonly count: number },
  { areas, pointers: { x, dy, dx, rstd, mean, partial } }: Strip,
): void {
  const { gain, means, scratch } = areas;
  const perRow = slopesPerRow(areas);
  const stride = 4 * columns;
  const from = [x, dy, dx, b.at(gain), partial];
  eachColumns(b, columns, { from }, ({ at: step, lanes }) => {
    const [fromX, fromDy, toDx, fromGain, toPartial] = step as [
      Pointer,
      Pointer,
      Pointer,
      Pointer,
      Pointer,
    ];
    const gains = lanes.map((n, k) => b.let(b.loadSome(fromGain.plus(16 * k), n)));
    const scale = lanes.map(() => b.variable(v128.zero));
    const shift = lanes.map(() => b.variable(v128.zero));
    const walks = [
      [fromX, stride],
      [fromDy, stride],
      [toDx, stride],
      [rstd, 4],
      [mean, 4],
      [b.at(scratch, JOIN_BYTES), 4 * perRow],
    ] as const;
    eachRows(b, count, { walks }, (at, rows) => {
      const [x, dy, dx, rstd, mean, slopes] = at as [
        Pointer,
        Pointer,
        Pointer,
        Pointer,
        Pointer,
        Pointer,
      ];
      for (let r = 0; r < rows; r++) {
        const factor = b.let(b.loadSplat(rstd.plus(4 * r)));
        const center = means && b.let(b.loadSplat(mean.plus(4 * r)));
        const plain = means && b.let(b.loadSplat(slopes.plus(8 * r)));
        const along = b.let(b.loadSplat(slopes.plus(4 * (perRow * (r + 1) - 1))));
        const values = lanes.map((n, k) => {
          const at = r * stride + 16 * k;
          const d = b.let(b.loadSome(dy.plus(at), n));
          const from = b.loadSome(x.plus(at), n);
          const c = b.let(center === undefined ? from : f32x4.sub(from, center));
          const g = f32x4.mul(d, gains[k] as V128);
          const own = plain === undefined ? f32x4.mul(g, factor) : f32x4.madd(g, factor, plain);
          updateVector(b, scale, k, (old) => f32x4.madd(d, f32x4.mul(c, factor), old));
          if (means !== undefined) updateVector(b, shift, k, (old) => f32x4.add(old, d));
          return b.let(f32x4.madd(c, along, own));
        });
        lanes.forEach((n, k) => b.storeSome(dx.plus(r * stride + 16 * k), values[k] as V128, n));
      }
    });
    lanes.forEach((n, k) => b.storeSome(toPartial.plus(16 * k), scale[k] as V128, n));
    if (means === undefined) return;
    lanes.forEach((n, k) => b.storeSome(toPartial.plus(stride + 16 * k), shift[k] as V128, n));
  });
}
