/** Prints the micro-kernel of a product: a tile of sums in registers over one block of K. */
import type { Formula } from "../../../src/graph/formula.ts";
import type { Io, Spec } from "../../../src/graph/types.ts";
import type { Body } from "../../../src/wasm/body.ts";
import type { Callee } from "../../../src/wasm/function.ts";
import type { KernelAreas } from "../../../src/wasm/kernel.ts";
import type { I32, Pointer, V128 } from "../../../src/wasm/values.ts";
import { f32x4, v128 } from "../../../src/wasm/vectors.ts";
import type { Product } from "../matmul_choice.ts";
import { range } from "../../emit/range.ts";
import { epilogueOf, type Place } from "./epilogue.ts";

/** A product with what it stores. */
export interface ProductCall {
  readonly product: Product;
  readonly io: Io<Spec>;
  readonly epilogue: Formula | undefined;
  /** Number of products, of matrices that follow each other. */
  readonly count: number;
  /** Which matrices each product has; default: those of its own index. */
  readonly choice?: ProductChoice;
  /** The sums start from the values of the output. */
  readonly onto: boolean;
}

/** The matrices of products that share them: of b, or of the output. */
export interface ProductChoice {
  /** Index of the matrix for product `batch`. */
  readonly of: (b: Body, areas: KernelAreas, batch: I32) => I32;
  /** Which matrices are chosen; the others have the product's own index. */
  readonly what: "b" | "output";
  /** Number of matrices to choose from. */
  readonly count: number;
}

/** A tile of C. */
export interface WasmTile {
  readonly rows: number;
  /** Elements of b between values of k. */
  readonly stride: number;
  /** Columns. Of a panel, those beyond them are zero. */
  readonly valid: number;
  /** Values of k. */
  readonly depth: number;
}

/**
 * A function of (a at the tile's first row and k, panel of b, extra inputs, outputs; row, column).
 * It stores sums to the first output, or, in the last block of K, what the epilogue makes of them.
 */
export function microKernel(
  b: Body,
  { call, areas, tile, strides, startsAtZero, isLast }: {
    readonly call: ProductCall;
    readonly areas: KernelAreas;
    readonly tile: WasmTile;
    /** Elements of a between values of k, and between rows. */
    readonly strides: { readonly k: number; readonly row: number };
    readonly startsAtZero: boolean;
    readonly isLast: boolean;
  },
): Callee {
  const { product: { m, n }, choice } = call;
  const count = choice?.what === "output" ? choice.count : call.count;
  const { rows, stride, valid, depth } = tile;
  // The panel is whole vectors wide; b itself may end at its last column.
  const width = stride === n ? valid : stride;
  const aBytes = 4 * ((depth - 1) * strides.k + (rows - 1) * strides.row + 1);
  const extra = areas.inputs.slice(2, call.io.inputs.length);
  const signature = {
    areas: [
      { name: "a", bytes: aBytes },
      { name: "panel", bytes: 4 * ((depth - 1) * stride + width) },
      ...[...extra, ...areas.outputs].map(({ name, bytes }) => ({ name, bytes })),
    ],
    ints: [{ min: 0, max: count * m - rows }, { min: 0, max: n - valid }],
  };
  const isPlain = !isLast || call.epilogue === undefined;
  return b.define(signature, (body, [a, panel, ...others], [row, column]) => {
    if (!a || !panel || !row || !column) return;
    const outputs = others.slice(extra.length);
    const places = range(rows).map((r) =>
      range(Math.ceil(valid / 4)).map((v): Place => ({ r, v, lanes: Math.min(4, valid - 4 * v) }))
    );
    // V8 pairs stores that have one address and neighbouring offsets.
    const corners = outputs.map((area) =>
      body.letPointer(body.at(area, row.times(n).plus(column).times(4)))
    );
    const pointerOf = (k: number, { r, v }: Place): Pointer =>
      (corners[k] as Pointer).plus(4 * (r * n + 4 * v));
    const sums = places.map((line) =>
      line.map((place) =>
        body.variable(
          startsAtZero ? v128.zero : body.loadSome(pointerOf(0, place), place.lanes),
        )
      )
    );
    body.walk(
      depth,
      [[body.at(panel), 4 * stride], [body.at(a), 4 * strides.k]],
      (right, left) => {
        const line = (sums[0] ?? []).map((_, v) =>
          body.let(body.loadSome(right.plus(16 * v), Math.min(4, width - 4 * v)))
        );
        sums.forEach((each, r) => {
          const factor = body.let(body.loadSplat(left.plus(4 * strides.row * r)));
          each.forEach((sum, v) => body.set(sum, f32x4.madd(factor, line[v] as V128, sum)));
        });
      },
    );
    const finish = isPlain || call.epilogue === undefined
      ? (sum: V128) => [sum]
      : epilogueOf(body, {
        io: call.io,
        formula: call.epilogue,
        extra: others.slice(0, extra.length),
        n,
        tile: { row, column, rows },
      });
    places.forEach((line, r) => {
      const values = line.map((place) => finish((sums[r] as V128[])[place.v] as V128, place));
      (values[0] ?? []).forEach((_, k) => {
        line.forEach((place) => {
          const value = (values[place.v] as readonly V128[])[k] as V128;
          body.storeSome(pointerOf(k, place), value, place.lanes);
        });
      });
    });
  }, isPlain ? `product ${JSON.stringify({ n, tile, strides, startsAtZero })}` : undefined);
}
