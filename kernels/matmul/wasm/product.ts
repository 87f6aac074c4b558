/**
 * The WebAssembly kernel of a product: blocks of K and N, b packed into panels (Goto and van de
 * Geijn, "Anatomy of High-Performance Matrix Multiplication", 2008), and a micro-kernel that holds
 * a tile of sums in registers. Each sum adds its terms in order of k with fused multiply-add,
 * whatever the tile and the blocks, so a product over chunks of K has the bits of the whole.
 */
import { ceilDiv } from "../../../src/base/shape.ts";
import type { Formula } from "../../../src/graph/formula.ts";
import type { Io, Spec } from "../../../src/graph/types.ts";
import type { Body } from "../../../src/wasm/body.ts";
import type { KernelRegions, WasmKernel, WasmTarget } from "../../../src/wasm/kernel.ts";
import { I32, type Pointer, type Region } from "../../../src/wasm/values.ts";
import type { Product } from "../matmul_choice.ts";
import { microKernel } from "./micro.ts";
import { packPanel } from "./pack.ts";

/** Rows of a tile: 6 x 16 sums fill 12 of 16 registers of 256 bits, 6 x 8 of 128 bits. */
const ROWS = 6;
/** Largest depth of a block: a panel of b stays in the first-level cache. */
const DEPTH = 256;
/** Columns of a block of b: it stays in the second-level cache. */
const COLUMNS = 480;

/** A product with what it stores. */
export interface ProductCall {
  readonly product: Product;
  readonly io: Io<Spec>;
  readonly epilogue: Formula | undefined;
  /** The sums start from the values of the output. */
  readonly onto: boolean;
}

/** The kernel of a product. */
export function productKernel(call: ProductCall, { pairs }: WasmTarget): WasmKernel {
  const { product: { n, k } } = call;
  const columns = pairs ? 16 : 8;
  const depth = ceilDiv(k, ceilDiv(k, DEPTH));
  const panels = ceilDiv(Math.min(n, COLUMNS), columns);
  return {
    scratch: 4 * panels * columns * depth,
    print: (b, regions) => printProduct(b, { call, regions, columns, depth }),
  };
}

/** A range of an axis, with a size that is known when it is printed. */
interface Chunk {
  readonly at: I32;
  readonly size: number;
}

function printProduct(
  b: Body,
  { call, regions, columns, depth }: {
    readonly call: ProductCall;
    readonly regions: KernelRegions;
    readonly columns: number;
    readonly depth: number;
  },
): void {
  const { product: { n, k } } = call;
  chunks(b, n, COLUMNS, (block) => {
    // The first and the last block of K differ: sums start there, or the epilogue is applied.
    const inner = (at: I32 | number, size: number, isFirst: boolean) =>
      printBlock(b, {
        call,
        regions,
        columns,
        block,
        part: { at: I32.of(at), size },
        startsAtZero: isFirst && !call.onto,
        isLast: size + I32.of(at).max === k && I32.of(at).known !== undefined,
      });
    const count = ceilDiv(k, depth);
    inner(0, Math.min(depth, k), true);
    if (count > 2) {
      b.for({ from: depth, to: depth * (count - 1), step: depth }, (at) => inner(at, depth, false));
    }
    if (count > 1) inner(depth * (count - 1), k - depth * (count - 1), false);
  });
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
  { call, regions, columns, block, part, startsAtZero, isLast }: {
    readonly call: ProductCall;
    readonly regions: KernelRegions;
    readonly columns: number;
    readonly block: Chunk;
    readonly part: Chunk;
    readonly startsAtZero: boolean;
    readonly isLast: boolean;
  },
): void {
  const { product: { m, n, k, ta, tb } } = call;
  const [a, source] = regions.inputs as [Region, Region];
  const panelBytes = 4 * columns * part.size;
  /** The panel that starts at a column of the block. */
  const panelAt = (column: I32): Pointer =>
    b.at(regions.scratch, column.times(panelBytes / columns));
  chunks(b, block.size, columns, ({ at, size }) => {
    const pack = packPanel(b, call.product, { columns, valid: size, depth: part.size });
    const column = block.at.plus(at);
    const element = tb ? column.times(k).plus(part.at) : part.at.times(n).plus(column);
    b.call(pack, { regions: [b.at(source, element.times(4)), panelAt(at)] });
  });
  chunks(b, block.size, columns, ({ at, size: valid }) => {
    chunks(b, m, ROWS, ({ at: row, size: rows }) => {
      const micro = microKernel(b, {
        call,
        regions,
        tile: { rows, columns, valid, depth: part.size },
        startsAtZero,
        isLast,
      });
      const element = ta ? part.at.times(m).plus(row) : row.times(k).plus(part.at);
      b.call(micro, {
        regions: [
          b.at(a, element.times(4)),
          panelAt(at),
          ...[...regions.inputs.slice(2, call.io.inputs.length), ...regions.outputs].map((region) =>
            b.at(region)
          ),
        ],
        ints: [row, block.at.plus(at)],
      });
    });
  });
}
