/**
 * Products with packed weights for WebAssembly kernels: C [M, N] = initial + A [M, K] W [K, N]. W is
 * packed once into panels of 16 columns, each k-major behind its row of initial values, so that the
 * inner loop reads it in order. The last panel and the rows of C are padded to whole vectors.
 */
import { alignUp } from "../../src/base/shape.ts";
import type { Body, Variable } from "../../src/wasm/body.ts";
import type { WasmTarget } from "../../src/wasm/kernel.ts";
import type { Pointer, V128 } from "../../src/wasm/values.ts";
import { f32x4, v128 } from "../../src/wasm/vectors.ts";
import { range } from "../emit/range.ts";

/** Elements of a vector and columns of a panel. */
const LANES = 4;
const PANEL = 16;
/** Iterations of the inner loop that are printed in a row. */
const UNROLL = 2;

/** Sizes of a packed weight: K and N. */
export interface PackedSizes {
  readonly depth: number;
  readonly columns: number;
}

/** Columns of C with padding. */
export function paddedColumns(columns: number): number {
  return alignUp(columns, LANES);
}

/** Bytes of a packed weight. */
export function packedBytes({ depth, columns }: PackedSizes): number {
  return 4 * (1 + depth) * paddedColumns(columns);
}

/** A weight to pack. */
export interface Packing extends PackedSizes {
  readonly to: Pointer;
  /** Element [0, 0]. */
  readonly weight: Pointer;
  /** Bytes between columns; the elements of a column are adjacent. Else elements of a row are. */
  readonly columnBytes?: number;
  /** Bytes between rows; default: 4. */
  readonly rowBytes?: number;
  /** Initial values of the columns; default: 0. */
  readonly initial?: Pointer;
}

/** Packs a weight. */
export function printPack(b: Body, packing: Packing): void {
  const { to, weight, depth, columns, columnBytes = 4, initial } = packing;
  const [whole, rest] = [Math.floor(columns / PANEL), columns % PANEL];
  const walks = (first: number) => [
    [to.plus(first * 4 * PANEL * (1 + depth)), 4 * PANEL * (1 + depth)] as const,
    [weight.plus(first * PANEL * columnBytes), PANEL * columnBytes] as const,
    ...initial === undefined ? [] : [[initial.plus(first * 4 * PANEL), 4 * PANEL] as const],
  ];
  const pack = (columns: number) => (to: Pointer, weight: Pointer, initial?: Pointer) =>
    printPackPanel(b, {
      ...packing,
      to,
      weight,
      columns,
      ...initial === undefined ? {} : { initial },
    });
  b.walk(whole, walks(0), (...at) => pack(PANEL)(...at as [Pointer, Pointer]));
  if (rest > 0) b.walk(1, walks(whole), (...at) => pack(rest)(...at as [Pointer, Pointer]));
}

function printPackPanel(b: Body, packing: Packing): void {
  const { to, weight, depth, columns, columnBytes, rowBytes = 4, initial } = packing;
  const width = paddedColumns(columns);
  printRow(b, to, columns, initial);
  const body = to.plus(4 * width);
  if (columnBytes === undefined) {
    b.walk(depth, [[body, 4 * width], [weight, rowBytes]], (to, from) => {
      printRow(b, to, columns, from);
    });
    return;
  }
  const steps = depth - depth % LANES;
  b.walk(steps / LANES, [[body, 4 * width * LANES], [weight, 4 * LANES]], (to, from) => {
    const column = (n: number): V128 =>
      n < columns ? b.let(b.load(from.plus(n * columnBytes))) : f32x4.splat(0);
    for (let n = 0; n < width; n += LANES) {
      const block = [column(n), column(n + 1), column(n + 2), column(n + 3)] as const;
      transposed(b, block).forEach((row, k) => b.store(to.plus(4 * (k * width + n)), row));
    }
  });
  for (let k = steps; k < depth; k++) {
    const row = body.plus(4 * k * width);
    printRow(b, row.plus(4 * (width - LANES)), 0);
    for (let n = 0; n < columns; n++) {
      b.storeOne(row.plus(4 * n), b.loadOne(weight.plus(n * columnBytes + 4 * k)));
    }
  }
}

/** Writes a padded row: `columns` elements of `from`, then zeros; without `from`, zeros. */
function printRow(b: Body, to: Pointer, columns: number, from?: Pointer): void {
  const whole = from === undefined ? 0 : columns - columns % LANES;
  for (let n = 0; n < paddedColumns(Math.max(columns, 1)); n += LANES) {
    const isWhole = from !== undefined && n < whole;
    b.store(to.plus(4 * n), isWhole ? b.load(from.plus(4 * n)) : f32x4.splat(0));
  }
  if (from === undefined) return;
  for (let n = whole; n < columns; n++) b.storeOne(to.plus(4 * n), b.loadOne(from.plus(4 * n)));
}

/** The rows of the 4x4 block with these columns. */
function transposed(b: Body, [p, q, r, s]: readonly [V128, V128, V128, V128]): V128[] {
  const halves = (x: V128, y: V128) =>
    [[0, 4, 1, 5] as const, [2, 6, 3, 7] as const].map((lanes) => b.let(v128.shuffle(x, y, lanes)));
  const [a, c] = [halves(p, r), halves(q, s)];
  return range(2).flatMap((i) => halves(a[i] as V128, c[i] as V128));
}

/** A product. */
export interface PackedProduct extends PackedSizes {
  readonly a: Pointer;
  /** Bytes between rows of A. */
  readonly rowBytes: number;
  readonly packed: Pointer;
  /** C with padded rows, all written. */
  readonly c: Pointer;
  readonly rows: number;
}

/** Prints a product. Each element is one sum from its initial value over ascending k. */
export function printProduct(b: Body, product: PackedProduct, target: WasmTarget): void {
  const { packed, c, depth, columns } = product;
  const whole = Math.floor(columns / PANEL);
  const panelBytes = 4 * PANEL * (1 + depth);
  b.walk(whole, [[packed, panelBytes], [c, 4 * PANEL]], (packed, c) => {
    printPanel(b, { ...product, packed, c }, { columns: PANEL, target });
  });
  const rest = columns % PANEL;
  if (rest === 0) return;
  const last = { packed: packed.plus(whole * panelBytes), c: c.plus(whole * 4 * PANEL) };
  printPanel(b, { ...product, ...last }, { columns: rest, target });
}

/** One panel: tiles of rows whose sums are in registers. */
function printPanel(
  b: Body,
  product: PackedProduct,
  { columns, target }: { readonly columns: number; readonly target: WasmTarget },
): void {
  const { a, rowBytes, c, rows } = product;
  const cBytes = 4 * paddedColumns(product.columns);
  const vectors = paddedColumns(columns) / LANES;
  const tile = tileRows(rows, target);
  const tiles = Math.floor(rows / tile);
  b.walk(tiles, [[c, tile * cBytes], [a, tile * rowBytes]], (c, a) => {
    printTile(b, { ...product, c, a }, { tile, vectors });
  });
  const rest = rows % tile;
  if (rest === 0) return;
  const last = { c: c.plus(tiles * tile * cBytes), a: a.plus(tiles * tile * rowBytes) };
  printTile(b, { ...product, ...last }, { tile: rest, vectors });
}

/** Rows of a tile: at most 12 sums of 128 bits, or 12 pairs of them. */
function tileRows(rows: number, { pairs }: WasmTarget): number {
  const most = pairs ? 6 : 3;
  return Math.ceil(rows / Math.ceil(rows / most));
}

function printTile(
  b: Body,
  { a, rowBytes, packed, c, depth, columns }: PackedProduct,
  { tile, vectors }: { readonly tile: number; readonly vectors: number },
): void {
  const [rows, across] = [range(tile), range(vectors)];
  const sums = rows.map(() => across.map((v) => b.variable(b.load(packed.plus(16 * v)))));
  const width = 16 * vectors;
  const step = (weights: Pointer, a: Pointer) => {
    const w = across.map((v) => b.let(b.load(weights.plus(16 * v))));
    rows.forEach((i) => {
      const x = b.let(b.loadSplat(a.plus(i * rowBytes)));
      across.forEach((v) => {
        const sum = sums[i]?.[v] as Variable;
        b.set(sum, f32x4.madd(x, w[v] as V128, sum));
      });
    });
  };
  const run = (from: number, count: number, unroll: number) =>
    b.walk(
      count,
      [[packed.plus((1 + from) * width), width * unroll], [a.plus(4 * from), 4 * unroll]],
      (packed, a) => range(unroll).forEach((k) => step(packed.plus(k * width), a.plus(4 * k))),
    );
  const rounds = Math.floor(depth / UNROLL);
  run(0, rounds, UNROLL);
  run(rounds * UNROLL, depth % UNROLL, 1);
  const cBytes = 4 * paddedColumns(columns);
  rows.forEach((i) =>
    across.forEach((v) => b.store(c.plus(i * cBytes + 16 * v), sums[i]?.[v] as V128))
  );
}
