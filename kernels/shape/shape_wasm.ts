/** WebAssembly kernels of copies: slices, concatenation, pads, broadcasts, and pooling over time. */
import type { WasmKernel } from "../../src/wasm/kernel.ts";
import type { Area, Pointer } from "../../src/wasm/values.ts";
import { f32x4 } from "../../src/wasm/vectors.ts";
import { copyColumns, copyStridedRows, fillColumns } from "../emit/copy_wasm.ts";
import { addRows } from "../emit/rows_wasm.ts";

/** Copies `length` elements of an input from element `from` on to element `to` on of output 0. */
export function copyKernel(
  { input, from, to, length }: Readonly<Record<"input" | "from" | "to" | "length", number>>,
): WasmKernel {
  return {
    print: (b, { inputs, outputs: [y] }) => {
      const source = b.at(inputs[input] as Area, 4 * from);
      copyColumns(b, length, { from: source, to: b.at(y as Area, 4 * to) });
    },
  };
}

/** The columns of rows that an input gives to the output. */
export interface CopiedColumns {
  /** First of them, and all columns of the input. */
  readonly from: number;
  readonly width: number;
  readonly count: number;
  /** Where the first one goes. */
  readonly to: number;
}

/** Copies columns of each input, in order, to rows of output 0 that have `width` columns. */
export function copyColumnsKernel(
  { rows, width }: { readonly rows: number; readonly width: number },
  inputs: readonly CopiedColumns[],
): WasmKernel {
  return {
    print: (b, { inputs: areas, outputs: [y] }) => {
      inputs.forEach(({ from, width: all, count, to }, k) => {
        copyStridedRows(b, { rows, columns: count }, {
          from: [b.at(areas[k] as Area, 4 * from), 4 * all],
          to: [b.at(y as Area, 4 * to), 4 * width],
        });
      });
    },
  };
}

/** Rows of `count` columns at column `first` of rows of `width` columns, with zeros around. */
export function padKernel(
  { rows, count, first, width }: Readonly<Record<"rows" | "count" | "first" | "width", number>>,
): WasmKernel {
  return {
    print: (b, { inputs: [x], outputs: [y] }) => {
      b.walk(rows, [[b.at(y as Area), 4 * width], [b.at(x as Area), 4 * count]], (...at) => {
        const [to, from] = at as [Pointer, Pointer];
        const end = first + count;
        fillColumns(b, first, { to });
        copyColumns(b, count, { from, to: to.plus(4 * first) });
        fillColumns(b, width - end, { to: to.plus(4 * end) });
      });
    },
  };
}

/** Each element of the input `columns` times. */
export function broadcastLastKernel(
  { rows, columns }: { readonly rows: number; readonly columns: number },
): WasmKernel {
  return {
    print: (b, { inputs: [x], outputs: [y] }) => {
      b.walk(rows, [[b.at(y as Area), 4 * columns], [b.at(x as Area), 4]], (to, from) => {
        const value = b.let(b.loadSplat(from as Pointer));
        fillColumns(b, columns, { to: to as Pointer, value });
      });
    },
  };
}

/** Sizes of [batch, time, columns]; steps from `from` on have the weight `scale`, others 0. */
export interface PooledSizes {
  readonly batch: number;
  readonly time: number;
  readonly columns: number;
  readonly from: number;
  readonly scale: number;
}

/** Weighted sums over time: input [batch, time, columns]; output [batch, columns]. */
export function poolTimeKernel({ batch, time, columns, from, scale }: PooledSizes): WasmKernel {
  const stride = 4 * columns;
  return {
    print: (b, { inputs: [x], outputs: [y] }) => {
      b.walk(
        batch,
        [[b.at(x as Area, from * stride), time * stride], [b.at(y as Area), stride]],
        (...at) => {
          const [first, to] = at as [Pointer, Pointer];
          addRows(b, {
            rows: time - from,
            columns,
            stride,
            from: first,
            to,
            finish: (sum) => f32x4.mul(sum, f32x4.splat(scale)),
          });
        },
      );
    },
  };
}

/** The adjoint of {@linkcode poolTimeKernel}: input [batch, columns]; output [batch, time, columns]. */
export function broadcastTimeKernel(
  { batch, time, columns, from, scale }: PooledSizes,
): WasmKernel {
  const stride = 4 * columns;
  return {
    print: (b, { inputs: [x], outputs: [y] }) => {
      b.walk(batch, [[b.at(y as Area), time * stride], [b.at(x as Area), stride]], (...at) => {
        const [to, row] = at as [Pointer, Pointer];
        fillColumns(b, from * columns, { to });
        b.walk(time - from, [[to.plus(from * stride), stride]], (step) => {
          copyColumns(b, columns, {
            from: row,
            to: step as Pointer,
            value: (v) => f32x4.mul(v, f32x4.splat(scale)),
          });
        });
      });
    },
  };
}

/** Copies `count` columns of rows to the rows of the whole that an index names. */
export interface IndexedSizes {
  readonly batch: number;
  readonly rows: number;
  /** Rows of the whole. */
  readonly room: number;
  /** Columns of the whole, and of the input. */
  readonly columns: readonly [number, number];
  readonly first: number;
  readonly count: number;
  readonly to: number;
}

/** Inputs the whole, x and index; output the whole, in place. */
export function indexCopyKernel(
  { batch, rows, room, columns: [into, all], first, count, to }: IndexedSizes,
): WasmKernel {
  return {
    print: (b, { inputs: [, x, index], outputs: [whole] }) => {
      const walks = [
        [b.at(x as Area, 4 * first), 4 * rows * all],
        [b.at(whole as Area, 4 * to), 4 * room * into],
      ] as const;
      b.walk(batch, walks, (...at) => {
        const [source, target] = at as [Pointer, Pointer];
        b.walk(rows, [[b.at(index as Area), 4], [source, 4 * all]], (place, from) => {
          const row = b.loadIndex(place as Pointer, room).times(4 * into);
          const to = b.letPointer(target.plus(row));
          copyColumns(b, count, { from: from as Pointer, to });
        });
      });
    },
  };
}
