/**
 * The WebAssembly kernel of a product: blocks of K and N, b packed into panels (Goto and van de
 * Geijn, "Anatomy of High-Performance Matrix Multiplication", 2008), and a micro-kernel that holds
 * a tile of sums in registers. Each sum adds its terms in order of k with fused multiply-add,
 * whatever the tile and the blocks, so a product over chunks of K has the bits of the whole.
 */
import { ceilDiv } from "../../../src/base/shape.ts";
import type { Body } from "../../../src/wasm/body.ts";
import type { KernelAreas, WasmKernel, WasmTarget } from "../../../src/wasm/kernel.ts";
import { type Area, I32, type Pointer } from "../../../src/wasm/values.ts";
import { microKernel, type ProductCall } from "./micro.ts";
import { packPanel } from "./pack.ts";

/** Rows of a tile: 6 x 16 sums fill 12 of 16 registers of 256 bits, 6 x 8 of 128 bits. */
const ROWS = 6;
/** Elements between the columns of a packed tile of a: whole vectors. */
const ROW_STRIDE = 8;
/** Largest depth of a block: a panel of b stays in the first-level cache. */
const DEPTH = 256;
/** Columns of a block of b and rows of a block of a: they stay in the second-level cache. */
const COLUMNS = 480;
const BLOCK_ROWS = 96;
/**
 * A is packed where values of k are at least so many elements apart and at least so many panels of b
 * read it: each k is on a line of its own, and large strides share few sets of the cache. Else a
 * tile reads its rows of A where they are.
 */
const STRIDED_FROM = 512;
const PACKED_FROM = 3;
/** Vectors of sums that fit the registers, by `pairs`. */
const SUMS = { plain: 12, pairs: 24 } as const;
/** Most vectors of a row of a tile: their loads fit beside the sums. */
const MOST_VECTORS = 8;

/** The kernel of a product. */
export function productKernel(call: ProductCall, { pairs }: WasmTarget): WasmKernel {
  const { product: { m, n, k, ta, tb } } = call;
  // One tile has all rows: b is read once, so packing it costs as much as the product.
  const isDirect = m <= ROWS && !tb;
  const sums = pairs ? SUMS.pairs : SUMS.plain;
  const widest = 2 * Math.min(MOST_VECTORS / 2, Math.floor(sums / (2 * m)));
  const columns = isDirect ? 4 * widest : pairs ? 16 : 8;
  const depth = ceilDiv(k, ceilDiv(k, DEPTH));
  const panels = ceilDiv(Math.min(n, COLUMNS), columns);
  const packsA = ta && m >= STRIDED_FROM && n > (PACKED_FROM - 1) * columns;
  const tiles = packsA ? ceilDiv(Math.min(m, BLOCK_ROWS), ROWS) : 0;
  const panelBytes = isDirect ? 0 : 4 * panels * columns * depth;
  const blocking: Blocking = { columns, depth, isDirect, packsA, panelBytes };
  return {
    scratch: panelBytes + 4 * tiles * ROW_STRIDE * depth,
    print: (b, areas) => printProduct(b, { call, areas, blocking }),
  };
}

/** How a product is cut. */
interface Blocking {
  /** Columns of a tile and of a panel of b. */
  readonly columns: number;
  /** Values of k in a block. */
  readonly depth: number;
  /** Whether b is read where it is, without packing. */
  readonly isDirect: boolean;
  readonly packsA: boolean;
  /** Bytes of the panels of b in scratch memory; tiles of a follow. */
  readonly panelBytes: number;
}

/** Indices of a product's matrices. */
interface ProductPlace {
  readonly a: I32;
  readonly b: I32;
  readonly output: I32;
}

/** A range of an axis, with a size that is known when it is printed. */
interface Chunk {
  readonly at: I32;
  readonly size: number;
}

function printProduct(
  b: Body,
  { call, areas, blocking }: {
    readonly call: ProductCall;
    readonly areas: KernelAreas;
    readonly blocking: Blocking;
  },
): void {
  const { product: { n, k }, count: products } = call;
  const { depth } = blocking;
  const count = ceilDiv(k, depth);
  const each = (batch: I32) => {
    const { choice } = call;
    const chosen = choice === undefined ? batch : b.letInt(choice.of(b, areas, batch));
    const place: ProductPlace = {
      a: batch,
      b: choice?.what === "b" ? chosen : batch,
      output: choice?.what === "output" ? chosen : batch,
    };
    chunks(b, n, COLUMNS, (block) => {
      // The first and the last block of K differ: sums start there, or the epilogue is applied.
      const inner = (part: Chunk, ends: { isFirst?: boolean; isLast?: boolean }) =>
        printBlock(b, { call, areas, blocking, place, block, part, ...ends });
      const size = Math.min(depth, k);
      inner({ at: I32.of(0), size }, { isFirst: true, isLast: count === 1 });
      if (count > 2) {
        const to = depth * (count - 1);
        b.for({ from: depth, to, step: depth }, (at) => inner({ at, size: depth }, {}));
      }
      if (count > 1) {
        const at = depth * (count - 1);
        inner({ at: I32.of(at), size: k - at }, { isLast: true });
      }
    });
  };
  b.for({ to: products }, each);
}

/** Calls `print` for chunks of at most `size`: in a loop, then for the remainder. */
function chunks(b: Body, n: number, size: number, print: (chunk: Chunk) => void): void {
  const whole = Math.floor(n / size) * size;
  if (whole > 0) b.for({ to: whole, step: size }, (at) => print({ at, size }));
  if (whole < n) print({ at: I32.of(whole), size: n - whole });
}

/** Packs a block of b, and multiplies all rows of a by it. */
function printBlock(
  b: Body,
  { call, areas, blocking, place, block, part, isFirst = false, isLast = false }: {
    readonly call: ProductCall;
    readonly areas: KernelAreas;
    readonly blocking: Blocking;
    readonly place: ProductPlace;
    readonly block: Chunk;
    readonly part: Chunk;
    readonly isFirst?: boolean;
    readonly isLast?: boolean;
  },
): void {
  const { product: { m, n, k, ta, tb } } = call;
  const { columns, isDirect, packsA, panelBytes } = blocking;
  const { size: depth } = part;
  const [a, source] = areas.inputs as [Area, Area];
  /** The panel that starts at a column of the block. */
  const panelAt = (column: I32): Pointer => b.at(areas.scratch, column.times(4 * depth));
  /** The packed tile that starts at a row of a block of rows. */
  const tileAt = (row: I32): Pointer =>
    b.at(areas.scratch, row.over(ROWS).times(4 * ROW_STRIDE * depth)).plus(panelBytes);
  const elementOfA = (row: I32): Pointer => {
    const element = ta ? part.at.times(m).plus(row) : row.times(k).plus(part.at);
    return b.at(a, place.a.times(m * k).plus(element).times(4));
  };
  const elementOfB = (column: I32): Pointer => {
    const element = tb ? column.times(k).plus(part.at) : part.at.times(n).plus(column);
    return b.at(source, place.b.times(k * n).plus(element).times(4));
  };
  if (!isDirect) {
    chunks(b, block.size, columns, ({ at, size }) => {
      const pack = packPanel(b, { n, k, tb }, { columns, valid: size, depth });
      b.call(pack, { areas: [elementOfB(block.at.plus(at)), panelAt(at)] });
    });
  }
  chunks(b, m, packsA ? BLOCK_ROWS : m, (rowBlock) => {
    if (packsA) {
      chunks(b, rowBlock.size, ROWS, ({ at, size: valid }) => {
        // a is packed as b is, with its rows as columns.
        const pack = packPanel(b, { n: m, k, tb: !ta }, { columns: ROW_STRIDE, valid, depth });
        b.call(pack, { areas: [elementOfA(rowBlock.at.plus(at)), tileAt(at)] });
      });
    }
    chunks(b, block.size, columns, ({ at, size: valid }) => {
      chunks(b, rowBlock.size, ROWS, ({ at: line, size: rows }) => {
        const strides = ta ? { k: m, row: 1 } : { k: 1, row: k };
        const micro = microKernel(b, {
          call,
          areas,
          tile: { rows, stride: isDirect ? n : columns, valid, depth },
          strides: packsA ? { k: ROW_STRIDE, row: 1 } : strides,
          startsAtZero: isFirst && !call.onto,
          isLast,
        });
        const row = rowBlock.at.plus(line);
        b.call(micro, {
          areas: [
            packsA ? tileAt(line) : elementOfA(row),
            isDirect ? elementOfB(block.at.plus(at)) : panelAt(at),
            ...[...areas.inputs.slice(2, call.io.inputs.length), ...areas.outputs]
              .map((area) => b.at(area)),
          ],
          ints: [place.output.times(m).plus(row), block.at.plus(at)],
        });
      });
    });
  });
}
