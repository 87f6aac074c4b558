/**
 * Register tiles of the products of attention: sums over k of an element of a row, in all lanes, times
 * a vector. Each tile is a function of its own, because V8 joins vectors of small functions best.
 */
import type { Body } from "../../../src/wasm/body.ts";
import type { Callee } from "../../../src/wasm/function.ts";
import { I32, type Pointer, type V128 } from "../../../src/wasm/values.ts";
import { f32x4, v128 } from "../../../src/wasm/vectors.ts";
import { range } from "../../emit/range.ts";

/** Bytes of a vector of four elements. */
export const VECTOR = 16;
/** Tokens side by side in a panel. */
export const PANEL = 16;

/** A range of indices. */
export interface IndexSpan {
  readonly from: number | I32;
  readonly to: number | I32;
}

/** What tiles of a product have in common; strides are in bytes. */
export interface TileProduct {
  /** Rows of a tile. */
  readonly rows: number;
  /** Most values of k. */
  readonly depth: number;
  /** Element (row, k) of the left operand is at row * `row` + k * `step`. */
  readonly left: { readonly row: number; readonly step: number };
  /**
   * Row k of the right operand is at k * `step`; ragged: its last vector has no more elements than
   * there are columns.
   */
  readonly right: { readonly step: number; readonly isRagged?: boolean };
  /** Bytes between rows of the target. */
  readonly target: number;
  /** Whether sums are multiplied by a factor of their row. */
  readonly isScaled?: boolean;
  /** Whether sums are added to the target, whose rows are then whole vectors. */
  readonly isAdded?: boolean;
}

/**
 * A function (left, right, target, factors?; from, to) that computes a tile of `columns` columns. Each
 * sum adds its terms in order of k, whatever the tile.
 */
function tileFunction(b: Body, product: TileProduct, columns: number): Callee {
  const { rows, depth, left, right, target, isScaled, isAdded } = product;
  const vectors = Math.ceil(columns / 4);
  const whole = VECTOR * vectors;
  const signature = {
    areas: [
      { name: "left", bytes: (rows - 1) * left.row + (depth - 1) * left.step + 4 },
      { name: "right", bytes: (depth - 1) * right.step + (right.isRagged ? 4 * columns : whole) },
      { name: "target", bytes: (rows - 1) * target + (isAdded ? whole : 4 * columns) },
      ...isScaled ? [{ name: "factors", bytes: 4 * rows }] : [],
    ],
    ints: [{ min: 0, max: depth }, { min: 0, max: depth }],
  };
  const lanesOf = (v: number) => Math.min(4, columns - 4 * v);
  return b.define(signature, (body, [leftArea, rightArea, to, factors], [from, end]) => {
    if (!leftArea || !rightArea || !to || !from || !end) return;
    const out = body.at(to);
    const sums = range(rows).map((r) =>
      range(vectors).map((v) =>
        body.variable(isAdded ? body.load(out.plus(r * target + VECTOR * v)) : v128.zero)
      )
    );
    const walks = [[body.at(rightArea), right.step], [body.at(leftArea), left.step]] as const;
    body.walkFrom({ from, to: end }, walks, (line, column) => {
      const parts = range(vectors).map((v) =>
        body.let(body.loadSome(line.plus(VECTOR * v), right.isRagged ? lanesOf(v) : 4))
      );
      sums.forEach((each, r) => {
        const factor = body.let(body.loadSplat(column.plus(r * left.row)));
        each.forEach((sum, v) => body.set(sum, f32x4.madd(factor, parts[v] as V128, sum)));
      });
    });
    sums.forEach((each, r) => {
      const factor = factors && body.let(body.loadSplat(body.at(factors).plus(4 * r)));
      const values = each.map((sum) => factor ? body.let(f32x4.mul(sum, factor)) : sum);
      values.forEach((value, v) => {
        body.storeSome(out.plus(r * target + VECTOR * v), value, isAdded ? 4 : lanesOf(v));
      });
    });
  });
}

/** Operands of a product: pointers to k = 0 and row 0. */
export interface TileOperands {
  readonly left: Pointer;
  readonly right: Pointer;
  readonly target: Pointer;
  /** One per row, where the product is scaled. */
  readonly factors?: Pointer;
  /** Values of k. */
  readonly span: IndexSpan;
}

/** Computes rows of `columns` columns in tiles of at most `width` columns. */
export function weightedRows(
  b: Body,
  product: TileProduct,
  { columns, width, operands: { left, right, target, factors, span } }: {
    readonly columns: number;
    readonly width: number;
    readonly operands: TileOperands;
  },
): void {
  const ints = [I32.of(span.from), I32.of(span.to)];
  const print = (to: Pointer, from: Pointer, count: number) => {
    const areas = [left, from, to, ...factors === undefined ? [] : [factors]];
    b.call(tileFunction(b, product, count), { areas, ints });
  };
  const whole = Math.floor(columns / width);
  const step = 4 * width;
  b.walk(whole, [[target, step], [right, step]], (to, from) => print(to, from, width));
  if (columns % width === 0) return;
  print(target.plus(step * whole), right.plus(step * whole), columns % width);
}

/**
 * Computes the products of `rows` rows with the tokens of panels: rows of `scores`, `pitch` elements
 * apart, at the tokens of the span.
 */
export function panelScores(
  b: Body,
  { rows, width, depth, span, pitch, row, left, panels, scores }: {
    readonly rows: number;
    readonly width: number;
    /** Terms of a product. */
    readonly depth: number;
    readonly span: IndexSpan;
    readonly pitch: number;
    /** Bytes between rows of the left operand. */
    readonly row: number;
    readonly left: Pointer;
    readonly panels: Pointer;
    readonly scores: Pointer;
  },
): void {
  const line = 4 * PANEL;
  const product = {
    ...{ rows, depth, left: { row, step: 4 }, right: { step: line }, target: 4 * pitch },
  };
  b.walkFrom(span, [[panels, line * depth], [scores, line]], (right, target) => {
    const operands = { left, right, target, span: { from: 0, to: depth } };
    weightedRows(b, product, { columns: PANEL, width, operands });
  });
}
