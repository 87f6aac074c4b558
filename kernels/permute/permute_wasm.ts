/** WebAssembly kernels of permutations: contiguous copies, or transposed tiles of four by four. */
import type { Body } from "../../src/wasm/body.ts";
import type { WasmKernel } from "../../src/wasm/kernel.ts";
import type { Area, Pointer, V128 } from "../../src/wasm/values.ts";
import { v128 } from "../../src/wasm/vectors.ts";
import { copyColumns } from "../emit/copy_wasm.ts";

/** An axis of the result: its size, and elements between neighbours in the result and in x. */
export interface PermutedAxis {
  readonly size: number;
  readonly out: number;
  readonly from: number;
}

/** Rows of x that one tile reads at most: a cache line of the result. */
const TILE = 16;

/** Sizes of the axes of the result, and for each the stride in x. */
export function permuteKernel(sizes: readonly number[], strides: readonly number[]): WasmKernel {
  const axes = mergedAxes(sizes, strides);
  return {
    print: (b, { inputs: [x], outputs: [y] }) => {
      const last = axes.at(-1) ?? { size: 1, out: 1, from: 1 };
      const inner = axes.find(({ from }) => from === 1) ?? last;
      const outer = axes.filter((axis) => axis !== last && axis !== inner);
      nest(b, outer, [b.at(y as Area), b.at(x as Area)], (to, from) => {
        if (inner === last) copyColumns(b, last.size, { from, to });
        else printTransposed(b, { rows: last, columns: inner }, { from, to });
      });
    },
  };
}

/** The axes of sizes above 1; neighbours that are neighbours in x too are one axis. */
function mergedAxes(sizes: readonly number[], strides: readonly number[]): PermutedAxis[] {
  const axes: PermutedAxis[] = [];
  let out = 1;
  for (let axis = sizes.length - 1; axis >= 0; axis--) {
    const [size, from] = [sizes[axis] as number, strides[axis] as number];
    const next = axes[0];
    if (size === 1) continue;
    if (next !== undefined && from === next.from * next.size) {
      axes[0] = { ...next, size: next.size * size };
    } else axes.unshift({ size, out, from });
    out *= size;
  }
  return axes;
}

function nest(
  b: Body,
  [axis, ...others]: readonly PermutedAxis[],
  [to, from]: readonly [Pointer, Pointer],
  body: (to: Pointer, from: Pointer) => void,
): void {
  if (axis === undefined) return body(to, from);
  b.walk(axis.size, [[to, 4 * axis.out], [from, 4 * axis.from]], (...at) => {
    nest(b, others, at as [Pointer, Pointer], body);
  });
}

/** Rows of x, which are contiguous along `columns`, become columns of the result. */
function printTransposed(
  b: Body,
  { rows, columns }: { readonly rows: PermutedAxis; readonly columns: PermutedAxis },
  { from, to }: { readonly from: Pointer; readonly to: Pointer },
): void {
  const tiles = Math.floor(rows.size / TILE);
  const strip = (count: number, from: Pointer, to: Pointer) => {
    const steps = Math.floor(columns.size / 4);
    b.walk(steps, [[from, 16], [to, 16 * columns.out]], (...at) => {
      const [from, to] = at as [Pointer, Pointer];
      printTile(b, { rows, columns }, { count, width: 4, from, to });
    });
    const [x, y] = [from.plus(16 * steps), to.plus(16 * steps * columns.out)];
    const width = columns.size % 4;
    if (width > 0) printTile(b, { rows, columns }, { count, width, from: x, to: y });
  };
  const walks = [[from, 4 * TILE * rows.from], [to, 4 * TILE * rows.out]] as const;
  b.walk(tiles, walks, (...at) => strip(TILE, ...at as [Pointer, Pointer]));
  const rest = rows.size - tiles * TILE;
  if (rest > 0) {
    const [[x, stepX], [y, stepY]] = walks;
    strip(rest, x.plus(tiles * stepX), y.plus(tiles * stepY));
  }
}

/** `count` rows of x of `width` elements, at most four. */
function printTile(
  b: Body,
  { rows, columns }: { readonly rows: PermutedAxis; readonly columns: PermutedAxis },
  { count, width, from, to }: {
    readonly count: number;
    readonly width: number;
    readonly from: Pointer;
    readonly to: Pointer;
  },
): void {
  const groups = Array.from({ length: Math.ceil(count / 4) }, (_, g) => {
    const values = [0, 1, 2, 3].map((i) => {
      const row = 4 * g + i;
      if (row >= count) return v128.zero;
      return b.let(b.loadSome(from.plus(4 * row * rows.from), width));
    });
    return columnsOf(b, values as [V128, V128, V128, V128]);
  });
  for (let c = 0; c < width; c++) {
    groups.forEach((values, g) => {
      const at = to.plus(4 * (c * columns.out + 4 * g));
      b.storeSome(at, values[c] as V128, Math.min(4, count - 4 * g));
    });
  }
}

/** The columns of four vectors. */
function columnsOf(b: Body, [p, q, r, s]: readonly [V128, V128, V128, V128]): V128[] {
  const join = (a: V128, c: V128, lanes: readonly [number, number, number, number]) =>
    b.let(v128.shuffle(a, c, lanes));
  const [low, high] = [[0, 4, 1, 5], [2, 6, 3, 7]] as const;
  return [low, high].flatMap((lanes) => {
    const [left, right] = [join(p, q, lanes), join(r, s, lanes)];
    return [join(left, right, [0, 1, 4, 5]), join(left, right, [2, 3, 6, 7])];
  });
}
