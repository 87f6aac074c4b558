/** WebAssembly kernels of sums over all elements and over rows, with their partial sums. */
import type { Body } from "../../src/wasm/body.ts";
import type { WasmKernel } from "../../src/wasm/kernel.ts";
import type { Area, Pointer, V128 } from "../../src/wasm/values.ts";
import { f32x4 } from "../../src/wasm/vectors.ts";
import {
  addRows,
  eachColumns,
  eachRows,
  JOIN_BYTES,
  joinRows,
  rowValues,
  updateVector,
} from "../emit/rows_wasm.ts";

/** Adds a value to a sum. */
const plain = (sum: V128, value: V128): V128 => f32x4.add(sum, value);
/** Adds the square of a value to a sum. */
const squared = (sum: V128, value: V128): V128 => f32x4.madd(value, value, sum);

/** Rows, columns, and rows per partial sum. */
interface ColumnSizes {
  readonly rows: number;
  readonly columns: number;
  readonly strip: number;
}

/** Sums of columns: input x; outputs the sums, and the sums of strips of rows. */
export function columnSumKernel({ rows, columns, strip }: ColumnSizes): WasmKernel {
  const stride = 4 * columns;
  const full = Math.floor(rows / strip);
  const strips = Math.ceil(rows / strip);
  return {
    scratch: JOIN_BYTES,
    print: (b, { inputs: [x], outputs: [y, partial], scratch }) => {
      const [from, sums] = [b.at(x as Area), b.at(partial as Area)];
      const add = (count: number, from: Pointer, to: Pointer) => {
        // One column is contiguous, so its rows are the lanes.
        if (columns === 1) return addAll(b, { n: count, from, to, scratch });
        addRows(b, { rows: count, columns, stride, from, to });
      };
      b.walk(full, [[from, strip * stride], [sums, stride]], (...at) => {
        add(strip, ...at as [Pointer, Pointer]);
      });
      if (strips > full) {
        add(rows - full * strip, from.plus(full * strip * stride), sums.plus(full * stride));
      }
      add(strips, sums, b.at(y as Area));
    },
  };
}

/** The levels of a sum: each level adds every `sums`-th item of `width` elements. */
export interface SumSizes {
  /** Number of elements. */
  readonly n: number;
  /** Elements of an item of the first level; at other levels: 1. */
  readonly width: 1 | 4;
  /** Numbers of sums of the levels; the last is 1. */
  readonly levels: readonly number[];
  /** Whether the elements are squared. */
  readonly square: boolean;
}

/** Sum of all elements: input x; outputs the sum, and the sums of each level but the last. */
export function sumKernel({ n, width, levels, square }: SumSizes): WasmKernel {
  // The sums of the first level, before the elements of an item are added.
  const wide = levels.length > 1 && width === 4 ? 16 * (levels[0] as number) : 0;
  return {
    scratch: JOIN_BYTES + wide,
    print: (b, { inputs: [x], outputs, scratch }) => {
      let [from, items] = [b.at(x as Area), n / width];
      levels.forEach((sums, level) => {
        const [isFirst, isLast] = [level === 0, level === levels.length - 1];
        const to = b.at(outputs[isLast ? 0 : level + 1] as Area);
        const next = square && isFirst ? squared : plain;
        const size = isFirst ? width : 1;
        if (isLast) addAll(b, { n: items * size, from, to, scratch, next });
        else {
          const isWide = size === 4;
          const into = isWide ? b.at(scratch, JOIN_BYTES) : to;
          addItems(b, { items: items * size, sums: sums * size, from, to: into, next });
          if (isWide) foldItems(b, { sums, from: into, to, scratch });
        }
        [from, items] = [to, sums];
      });
    },
  };
}

/** Writes the sum of `n` contiguous elements. */
function addAll(
  b: Body,
  { n, from, to, scratch, next = plain }: {
    readonly n: number;
    readonly from: Pointer;
    readonly to: Pointer;
    readonly scratch: Area;
    readonly next?: (sum: V128, value: V128) => V128;
  },
): void {
  const [sum = []] = rowValues(b, 1);
  eachColumns(b, n, { from: [from] }, ({ at: [p], lanes }) => {
    lanes.forEach((n, k) => {
      updateVector(
        b,
        sum,
        k,
        (old) => next(old, b.let(b.loadSome((p as Pointer).plus(16 * k), n))),
      );
    });
  });
  b.storeOne(to, joinRows(b, [sum], { scratch }));
}

/** Sum j, of `sums`, is of the elements j, j + sums, j + 2 sums... of `items`. */
function addItems(
  b: Body,
  { items, sums, from, to, next }: {
    readonly items: number;
    readonly sums: number;
    readonly from: Pointer;
    readonly to: Pointer;
    readonly next: (sum: V128, value: V128) => V128;
  },
): void {
  const [rows, rest] = [Math.floor(items / sums), items % sums];
  const add = (first: number, columns: number, rows: number) => {
    const [at, into] = [from, to].map((pointer) => pointer.plus(4 * first));
    const places = { from: at as Pointer, to: into as Pointer };
    addRows(b, { rows, columns, stride: 4 * sums, ...places, next });
  };
  add(0, rest, rows + 1);
  add(rest, sums - rest, rows);
}

/** Adds the four elements of each item. */
function foldItems(
  b: Body,
  { sums, from, to, scratch }: {
    readonly sums: number;
    readonly from: Pointer;
    readonly to: Pointer;
    readonly scratch: Area;
  },
): void {
  eachRows(b, sums, { walks: [[from, 16], [to, 4]] }, ([p, q], count) => {
    const values = Array.from({ length: count }, (_, r) => {
      const value = b.variable(b.load((p as Pointer).plus(16 * r)));
      return [value, b.variable(f32x4.splat(0))];
    });
    b.storeSome(q as Pointer, joinRows(b, values, { scratch }), count);
  });
}
