/** Register tiles of the products of attention: sums over k of a splat element times a vector. */
import type { Body, Variable } from "../../../src/wasm/body.ts";
import type { I32, Pointer, V128 } from "../../../src/wasm/values.ts";
import { f32x4, v128 } from "../../../src/wasm/vectors.ts";
import { range } from "../../emit/range.ts";

/** Bytes of a vector of four elements. */
export const VECTOR = 16;
/** Tokens side by side in a panel. */
export const PANEL = 16;

/** Elements (row, k) at bytes row * `row` + k * `step`. */
export interface SplatOperand {
  readonly at: Pointer;
  readonly row: number;
  readonly step: number;
}

/** Rows of vectors, for k at bytes k * `step`. */
export interface RowOperand {
  readonly at: Pointer;
  readonly step: number;
  /** Whether the last vector of a row has no more elements than there are columns. */
  readonly isRagged?: boolean;
}

/** Sums of a tile. Each sum adds its terms in order of k, whatever the tile. */
export interface TileProduct {
  /** Rows of the tile. */
  readonly rows: number;
  /** Values of k, from `from` to `to` - 1. */
  readonly span: { readonly from: number | I32; readonly to: number | I32 };
  readonly left: SplatOperand;
  readonly right: RowOperand;
}

/** A tile of `columns` columns, which starts from `initial`, by default from zeros. */
export function tileSums(
  b: Body,
  { rows, span, left, right }: TileProduct,
  columns: number,
  initial: (row: number, v: number) => V128 = () => v128.zero,
): Variable[][] {
  const vectors = Math.ceil(columns / 4);
  const lanesOf = (v: number) => right.isRagged ? Math.min(4, columns - 4 * v) : 4;
  const sums = range(rows).map((r) => range(vectors).map((v) => b.variable(initial(r, v))));
  b.walkFrom(span, [[right.at, right.step], [left.at, left.step]], (line, column) => {
    const parts = range(vectors).map((v) => b.let(b.loadSome(line.plus(VECTOR * v), lanesOf(v))));
    sums.forEach((each, r) => {
      const factor = b.let(b.loadSplat(column.plus(r * left.row)));
      each.forEach((sum, v) => b.set(sum, f32x4.madd(factor, parts[v] as V128, sum)));
    });
  });
  return sums;
}

/** Rows in memory, `row` bytes apart. */
export interface TargetRows {
  readonly at: Pointer;
  readonly row: number;
}

/**
 * Computes rows of `columns` columns in tiles of at most `width` columns. `scale` multiplies the sums
 * of a row; `add` starts them from what is in the target, whose rows must then be whole vectors.
 */
export function weightedRows(
  b: Body,
  product: TileProduct,
  { target, columns, width, scale, add = false }: {
    readonly target: TargetRows;
    readonly columns: number;
    readonly width: number;
    readonly scale?: (row: number) => V128;
    readonly add?: boolean;
  },
): void {
  const { right } = product;
  const part = (to: Pointer, from: Pointer, count: number) => {
    const initial = add
      ? (r: number, v: number) => b.load(to.plus(r * target.row + VECTOR * v))
      : undefined;
    const sums = tileSums(b, { ...product, right: { ...right, at: from } }, count, initial);
    sums.forEach((each, r) => {
      const factor = scale === undefined ? undefined : b.let(scale(r));
      const values = each.map((sum) => factor === undefined ? sum : b.let(f32x4.mul(sum, factor)));
      values.forEach((value, v) => {
        const lanes = add ? 4 : Math.min(4, count - 4 * v);
        b.storeSome(to.plus(r * target.row + VECTOR * v), value, lanes);
      });
    });
  };
  const whole = Math.floor(columns / width);
  const step = 4 * width;
  b.walk(whole, [[target.at, step], [right.at, step]], (to, from) => part(to, from, width));
  if (columns % width === 0) return;
  part(target.at.plus(step * whole), right.at.plus(step * whole), columns % width);
}

/**
 * Computes the products of `rows` rows with the tokens of panels: rows of `scores`, `pitch` elements
 * apart, at the tokens of the span.
 */
export function panelScores(
  b: Body,
  { rows, width, depth, span, pitch, left, panels, scores }: {
    readonly rows: number;
    readonly width: number;
    /** Terms of a product. */
    readonly depth: number;
    readonly span: { readonly from: I32; readonly to: I32 };
    readonly pitch: number;
    readonly left: SplatOperand;
    readonly panels: Pointer;
    readonly scores: Pointer;
  },
): void {
  const line = 4 * PANEL;
  b.walkFrom(span, [[panels, line * depth], [scores, line]], (panel, target) => {
    for (let first = 0; first < PANEL; first += width) {
      const right = { at: panel.plus(4 * first), step: line };
      const sums = tileSums(b, { rows, span: { from: 0, to: depth }, left, right }, width);
      sums.forEach((each, r) => {
        each.forEach((sum, v) => b.store(target.plus(4 * (r * pitch + first + 4 * v)), sum));
      });
    }
  });
}
