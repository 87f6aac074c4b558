/**
 * Packs blocks of b into panels: `columns` columns side by side for each k, so that the micro-kernel
 * reads them in order. Columns beyond the edge are zero.
 */
import type { Body } from "../../../src/wasm/body.ts";
import type { Callee } from "../../../src/wasm/function.ts";
import type { Pointer, V128 } from "../../../src/wasm/values.ts";
import { transposeQuads } from "../../../src/wasm/transpose.ts";
import { v128 } from "../../../src/wasm/vectors.ts";
import { range } from "../../emit/range.ts";

/** Bytes of a vector. */
const VECTOR = 16;

/** A panel: `valid` of its `columns` columns exist, over `depth` values of k. */
export interface Panel {
  readonly columns: number;
  readonly valid: number;
  readonly depth: number;
}

/** A function (block of b, panel) that packs. */
export function packPanel(
  b: Body,
  { n, k, tb }: { readonly n: number; readonly k: number; readonly tb: boolean },
  panel: Panel,
): Callee {
  const { columns, valid, depth } = panel;
  const bytes = tb ? 4 * ((valid - 1) * k + depth) : 4 * ((depth - 1) * n + valid);
  const areas = [{ name: "b", bytes }, { name: "panel", bytes: 4 * columns * depth }];
  return b.define({ areas }, (body, [from, to]) => {
    if (from === undefined || to === undefined) return;
    const [source, target] = [body.at(from), body.at(to)];
    if (tb) packTransposed(body, { source, target, k, panel });
    else packRows(body, { source, target, n, panel });
  }, `pack ${JSON.stringify({ n, k, tb, panel })}`);
}

/** Number of existing lanes of vector `v` of a panel. */
function lanesOf({ valid }: Panel, v: number): number {
  return Math.max(0, Math.min(4, valid - 4 * v));
}

function packRows(
  b: Body,
  { source, target, n, panel }: { source: Pointer; target: Pointer; n: number; panel: Panel },
): void {
  const { columns, depth } = panel;
  b.walk(depth, [[target, 4 * columns], [source, 4 * n]], (to, from) => {
    const row = range(columns / 4).map((v) => some(b, from.plus(VECTOR * v), lanesOf(panel, v)));
    row.forEach((value, v) => b.store(to.plus(VECTOR * v), value));
  });
}

/** Rows of b are columns of the product: blocks of 4 x 4 are transposed in registers. */
function packTransposed(
  b: Body,
  { source, target, k, panel }: { source: Pointer; target: Pointer; k: number; panel: Panel },
): void {
  const { columns, depth } = panel;
  const block = (to: Pointer, from: Pointer, steps: number) =>
    range(columns / 4).forEach((v) => {
      const rows = range(4).map((j) =>
        j < lanesOf(panel, v) ? b.let(b.loadSome(from.plus(4 * k * (4 * v + j)), steps)) : zero
      );
      transposeQuads(b, rows).slice(0, steps).forEach((value, i) => {
        b.store(to.plus(4 * columns * i + VECTOR * v), value);
      });
    });
  const quads = Math.floor(depth / 4);
  b.walk(quads, [[target, VECTOR * columns], [source, VECTOR]], (to, from) => block(to, from, 4));
  if (depth % 4 === 0) return;
  block(target.plus(VECTOR * columns * quads), source.plus(VECTOR * quads), depth % 4);
}

const zero: V128 = v128.zero;

function some(b: Body, from: Pointer, lanes: number): V128 {
  return b.let(lanes === 0 ? zero : b.loadSome(from, lanes));
}
