/**
 * Products with packed weights: C [M, N] = initial + A [M, K] W [K, N]. W is packed once into panels
 * of a few columns, each k-major behind its row of initial values, so that the inner loop reads it in
 * order. The last panel and the rows of C are padded to whole vectors.
 */
import { alignUp } from "../../../src/base/shape.ts";
import type { Body } from "../../../src/wasm/body.ts";
import type { Callee } from "../../../src/wasm/function.ts";
import type { WasmTarget } from "../../../src/wasm/kernel.ts";
import type { Pointer, V128 } from "../../../src/wasm/values.ts";
import { f32x4, v128 } from "../../../src/wasm/vectors.ts";
import { range } from "../../emit/range.ts";

/** Elements of a vector. */
const LANES = 4;
/** Most values of k in a block: its part of a panel stays in the first-level cache. */
const DEPTH = 256;
/** Most rows of a tile. */
const ROWS = 6;
/**
 * Columns of a panel by rows of a tile: 8 to 12 sums of a row's width in 16 registers of 256 bits,
 * which is what the latency of fused multiply-add needs.
 */
const PANELS = [64, 32, 24, 16, 16, 16] as const;

/** Sizes of a packed weight: K, N, and columns of a panel. */
export interface PackedSizes {
  readonly depth: number;
  readonly columns: number;
  readonly panel: number;
}

/** Rows of a tile of a product with so many rows. */
function tileRows(rows: number): number {
  return Math.ceil(rows / Math.ceil(rows / ROWS));
}

/** Columns of a panel for a product with so many rows; half as many for registers of 128 bits. */
export function panelColumns(rows: number, { pairs }: WasmTarget): number {
  const columns = PANELS[tileRows(rows) - 1] as number;
  return pairs ? columns : columns / 2;
}

/** Columns of C with padding. */
export function paddedColumns(columns: number): number {
  return alignUp(columns, LANES);
}

/** Bytes of a packed weight. */
export function packedBytes({ depth, columns }: PackedSizes): number {
  return 4 * (1 + depth) * paddedColumns(columns);
}

/** Calls `print` with the first column of each whole panel, in a loop, and with the last panel. */
function eachPanel(
  b: Body,
  { depth, columns, panel }: PackedSizes,
  { packed, others, print }: {
    readonly packed: Pointer;
    /** Pointers, and the bytes by which they advance per column. */
    readonly others: readonly (readonly [Pointer, number])[];
    readonly print: (columns: number, packed: Pointer, others: readonly Pointer[]) => void;
  },
): void {
  const [whole, rest] = [Math.floor(columns / panel), columns % panel];
  const walks = [[packed, 4 * (1 + depth)] as const, ...others];
  const steps = walks.map(([pointer, bytes]) => [pointer, panel * bytes] as const);
  b.walk(whole, steps, (...[packed, ...at]) => print(panel, packed as Pointer, at));
  if (rest === 0) return;
  const [last, ...at] = steps.map(([pointer, bytes]) => pointer.plus(whole * bytes));
  print(rest, last as Pointer, at);
}

/** A weight to pack. */
export interface Packing extends PackedSizes {
  readonly packed: Pointer;
  /** Element [0, 0]. */
  readonly weight: Pointer;
  /** Bytes between rows if elements of a row are adjacent, else between columns. */
  readonly bytes: { readonly row: number } | { readonly column: number };
  /** Initial values of the columns; default: 0. */
  readonly initial?: Pointer;
}

/** Packs a weight. */
export function printPack(b: Body, packing: Packing): void {
  const { packed, weight, bytes, depth, initial } = packing;
  const others = [
    [weight, "column" in bytes ? bytes.column : 4] as const,
    ...initial === undefined ? [] : [[initial, 4] as const],
  ];
  const print = (columns: number, to: Pointer, [from, initial]: readonly Pointer[]) => {
    const width = paddedColumns(columns);
    const groups = range(width / LANES).map((v) => ({
      at: 16 * v,
      lanes: Math.min(LANES, columns - LANES * v),
    }));
    for (const { at, lanes } of groups) {
      const value = initial === undefined ? v128.zero : b.loadSome(initial.plus(at), lanes);
      b.store(to.plus(at), value);
    }
    const [body, source] = [to.plus(4 * width), from as Pointer];
    if ("row" in bytes) {
      b.walk(depth, [[body, 4 * width], [source, bytes.row]], (to, from) => {
        const values = groups.map(({ at, lanes }) => b.let(b.loadSome(from.plus(at), lanes)));
        groups.forEach(({ at }, v) => b.store(to.plus(at), values[v] as V128));
      });
      return;
    }
    const block = (to: Pointer, from: Pointer, rows: number) => {
      for (const { at, lanes } of groups) {
        const column = (n: number): V128 =>
          n < lanes ? b.let(b.loadSome(from.plus((at / 4 + n) * bytes.column), rows)) : v128.zero;
        const values = transposed(b, [column(0), column(1), column(2), column(3)]);
        range(rows).forEach((k) => b.store(to.plus(4 * k * width + at), values[k] as V128));
      }
    };
    const quads = Math.floor(depth / LANES);
    b.walk(quads, [[body, 16 * width], [source, 16]], (to, from) => block(to, from, LANES));
    const rest = depth % LANES;
    if (rest > 0) block(body.plus(16 * width * quads), source.plus(16 * quads), rest);
  };
  eachPanel(b, packing, { packed, others, print });
}

/** The rows of the 4x4 block with these columns. */
function transposed(b: Body, [p, q, r, s]: readonly [V128, V128, V128, V128]): V128[] {
  const halves = (x: V128, y: V128): [V128, V128] => [
    b.let(v128.shuffle(x, y, [0, 4, 1, 5])),
    b.let(v128.shuffle(x, y, [2, 6, 3, 7])),
  ];
  const [[a, c], [d, e]] = [halves(p, r), halves(q, s)];
  return [...halves(a, d), ...halves(c, e)];
}

/** A product. */
export interface PackedProduct extends PackedSizes {
  /** Rows of `depth` elements. */
  readonly a: Pointer;
  readonly packed: Pointer;
  /** C with padded rows, all written. */
  readonly c: Pointer;
  readonly rows: number;
}

/** Prints a product. Each element is one sum from its initial value over ascending k. */
export function printPackedProduct(b: Body, product: PackedProduct): void {
  const { a, packed, c, rows, depth, columns: all } = product;
  const rowBytes = 4 * paddedColumns(all);
  const block = Math.ceil(depth / Math.ceil(depth / DEPTH));
  const blockOf = (width: number, size: number, isFirst: boolean): Callee => {
    const areas = [
      { name: "a", bytes: 4 * ((rows - 1) * depth + size) },
      { name: "weights", bytes: 4 * size * width },
      { name: "c", bytes: (rows - 1) * rowBytes + 4 * width },
      ...isFirst ? [{ name: "initial", bytes: 4 * width }] : [],
    ];
    return b.define({ areas }, (b, areas) => {
      const [a, weights, c, initial] = areas.map((area) => b.at(area)) as [
        Pointer,
        Pointer,
        Pointer,
        Pointer?,
      ];
      const sizes = { rows, depth, size, vectors: width / LANES, rowBytes };
      printBlock(b, { ...sizes, a, weights, c, ...initial === undefined ? {} : { initial } });
    });
  };
  const print = (columns: number, packed: Pointer, [c]: readonly Pointer[]) => {
    const width = paddedColumns(columns);
    const run = (from: number, size: number) => {
      const weights = packed.plus(4 * (1 + from) * width);
      const isFirst = from === 0;
      b.call(blockOf(width, size, isFirst), {
        areas: [a.plus(4 * from), weights, c as Pointer, ...isFirst ? [packed] : []],
      });
    };
    for (let from = 0; from < depth; from += block) run(from, Math.min(block, depth - from));
  };
  eachPanel(b, product, { packed, others: [[c, 4]], print });
}

/** A panel's product over a block of k. */
interface BlockProduct {
  readonly rows: number;
  /** Elements between rows of A. */
  readonly depth: number;
  /** Values of k. */
  readonly size: number;
  /** Vectors of a row. */
  readonly vectors: number;
  /** Bytes between rows of C. */
  readonly rowBytes: number;
  readonly a: Pointer;
  readonly weights: Pointer;
  readonly c: Pointer;
  /** Initial values of the columns; without them sums go on from C. */
  readonly initial?: Pointer;
}

/** Tiles of rows whose sums are in registers. */
function printBlock(b: Body, block: BlockProduct): void {
  const { rows, depth, rowBytes, a, c } = block;
  const tile = tileRows(rows);
  const tiles = Math.floor(rows / tile);
  const [aBytes, cBytes] = [4 * tile * depth, tile * rowBytes];
  b.walk(tiles, [[c, cBytes], [a, aBytes]], (c, a) => {
    printTile(b, { ...block, a, c, rows: tile });
  });
  if (rows % tile === 0) return;
  const last = { a: a.plus(tiles * aBytes), c: c.plus(tiles * cBytes), rows: rows % tile };
  printTile(b, { ...block, ...last });
}

function printTile(b: Body, block: BlockProduct): void {
  const { rows, depth, size, vectors, rowBytes, a, weights, c, initial } = block;
  const across = range(vectors);
  const place = (i: number, v: number) => c.plus(i * rowBytes + 16 * v);
  const sums = range(rows).map((i) =>
    across.map((v) => b.variable(b.load(initial?.plus(16 * v) ?? place(i, v))))
  );
  b.walk(size, [[weights, 16 * vectors], [a, 4]], (weights, a) => {
    const w = across.map((v) => b.let(b.load(weights.plus(16 * v))));
    sums.forEach((row, i) => {
      const x = b.let(b.loadSplat(a.plus(4 * i * depth)));
      row.forEach((sum, v) => b.set(sum, f32x4.madd(x, w[v] as V128, sum)));
    });
  });
  sums.forEach((row, i) => row.forEach((sum, v) => b.store(place(i, v), sum)));
}
