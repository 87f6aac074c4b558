/** Exponentials of rows of scores in memory. */
import type { Body } from "../../../src/wasm/body.ts";
import { expNormal } from "../../../src/wasm/exp_normal.ts";
import { transposeQuads } from "../../../src/wasm/transpose.ts";
import type { I32, Pointer, V128 } from "../../../src/wasm/values.ts";
import { f32x4, v128 } from "../../../src/wasm/vectors.ts";
import { range } from "../../emit/range.ts";
import { PANEL, VECTOR } from "./tile.ts";

/** The largest finite negative number: the maximum of no scores. */
const LOWEST = -3.4028234663852886e38;
/** Most rows: one lane each. */
const MOST_ROWS = 4;
/** Vectors of scratch memory: two partial results per row, and the maxima. */
export const PARTIAL_VECTORS = 2 * MOST_ROWS + 1;

/** Rows of scores, `pitch` bytes apart, of which the panels of the span count. */
interface ScoreRows {
  /** At most 4. */
  readonly rows: number;
  readonly pitch: number;
  readonly at: Pointer;
  readonly span: { readonly from: I32; readonly to: I32 };
  /** Scratch memory of {@linkcode PARTIAL_VECTORS} vectors. */
  readonly partial: Pointer;
}

/** Of the rows, one lane each: the largest score, and the sum of exponentials. */
interface RowSums {
  readonly most: V128;
  readonly total: V128;
}

/**
 * Prints, in a function of its own, what replaces scores x by e^(x - most), `most` the largest one of
 * a row; -Infinity gives 0. `finish` stores results of the rows to `others`, an element per row each.
 * Sums have a fixed order.
 */
export function exponentials(
  b: Body,
  { rows, pitch, panels, at, span, partial, others }: ScoreRows & {
    /** Most panels. */
    readonly panels: number;
    readonly others: readonly Pointer[];
  },
  finish: (b: Body, sums: RowSums, others: readonly Pointer[]) => void,
): void {
  const areas = [
    { name: "scores", bytes: (rows - 1) * pitch + 4 * PANEL * panels },
    { name: "partial", bytes: VECTOR * PARTIAL_VECTORS },
    ...others.map((_, k) => ({ name: `result ${k}`, bytes: 4 * rows })),
  ];
  const ints = [{ min: 0, max: panels }, { min: 0, max: panels }];
  const callee = b.define({ areas, ints }, (body, [scores, scratch, ...rest], [from, to]) => {
    if (!scores || !scratch || !from || !to) return;
    const places = { at: body.at(scores), partial: body.at(scratch), span: { from, to } };
    const sums = printExponentials(body, { rows, pitch, ...places });
    finish(body, sums, rest.map((area) => body.at(area)));
  });
  b.call(callee, { areas: [at, partial, ...others], ints: [span.from, span.to] });
}

function printExponentials(b: Body, { rows, pitch, at, span, partial }: ScoreRows): RowSums {
  const [pair, all] = [range(2), range(rows)];
  const tops = partial.plus(2 * MOST_ROWS * VECTOR);
  const walks = [[at, 4 * PANEL]] as const;
  /** Vectors v and v + 2 of a panel, for v of 0 and 1: V8 joins the operations of both. */
  const halves = [0, 2 * VECTOR];
  const accumulate = (start: V128) => all.map(() => pair.map(() => b.variable(start)));
  /** Neighbouring stores let V8 join the accumulators of the loop before. */
  const combine = (values: readonly (readonly V128[])[], op: typeof f32x4.add): V128 => {
    values.flat().forEach((value, k) => b.store(partial.plus(VECTOR * k), value));
    const joined = range(MOST_ROWS).map((r) => {
      if (r >= rows) return v128.zero;
      const [p, q] = pair.map((v) => b.load(partial.plus(VECTOR * (2 * r + v))));
      return b.let(op(p as V128, q as V128));
    });
    const [p, q, r, s] = transposeQuads(b, joined) as [V128, V128, V128, V128];
    return b.let(op(op(p, r), op(q, s)));
  };
  const maxima = accumulate(f32x4.splat(LOWEST));
  b.walkFrom(span, walks, (panel) => {
    maxima.forEach((row, r) => {
      for (const half of halves) {
        row.forEach((most, v) => {
          b.set(most, f32x4.pmax(most, b.load(panel.plus(r * pitch + half + VECTOR * v))));
        });
      }
    });
  });
  const most = combine(maxima, f32x4.pmax);
  b.store(tops, most);
  const sums = accumulate(v128.zero);
  b.walkFrom(span, walks, (panel) => {
    sums.forEach((row, r) => {
      const top = b.let(b.loadSplat(tops.plus(4 * r)));
      for (const half of halves) {
        const places = pair.map((v) => panel.plus(r * pitch + half + VECTOR * v));
        const values = places.map((place) => expNormal(b, b.let(f32x4.sub(b.load(place), top))));
        values.forEach((value, v) => b.store(places[v] as Pointer, value));
        row.forEach((sum, v) => b.set(sum, f32x4.add(sum, values[v] as V128)));
      }
    });
  });
  return { most, total: combine(sums, f32x4.add) };
}
