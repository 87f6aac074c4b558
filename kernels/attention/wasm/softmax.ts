/** Exponentials of a row of scores in memory. */
import type { Body } from "../../../src/wasm/body.ts";
import { expNormal } from "../../../src/wasm/exp_normal.ts";
import type { I32, Pointer, V128 } from "../../../src/wasm/values.ts";
import { acrossLanes, f32x4, v128 } from "../../../src/wasm/vectors.ts";
import { range } from "../../emit/range.ts";
import { PANEL_VECTORS } from "./mask.ts";
import { PANEL, VECTOR } from "./tile.ts";

/** The largest finite negative number: the maximum of no scores. */
const LOWEST = -3.4028234663852886e38;
/** Vectors of scratch memory: partial maxima and sums of each vector of a panel, the maximum. */
export const PARTIAL_VECTORS = 2 * PANEL_VECTORS + 1;

/**
 * Prints, in a function of its own, what replaces a row of scores x by e^(x - most), `most` the
 * largest of them; -Infinity gives 0. `finish` gets `most` and the sum, in all lanes; both have a
 * fixed order.
 */
export function exponentials(
  b: Body,
  { panels, at, span, partial, others = [] }: {
    /** Most panels. */
    readonly panels: number;
    readonly at: Pointer;
    readonly span: { readonly from: I32; readonly to: I32 };
    /** ScratchLayout memory of {@linkcode PARTIAL_VECTORS} vectors. */
    readonly partial: Pointer;
    /** Elements where `finish` stores results. */
    readonly others?: readonly Pointer[];
  },
  finish: (b: Body, sums: { most: V128; total: V128 }, others: readonly Pointer[]) => void,
): void {
  const line = 4 * PANEL;
  const areas = [
    { name: "scores", bytes: line * panels },
    { name: "partial", bytes: VECTOR * PARTIAL_VECTORS },
    ...others.map((_, k) => ({ name: `result ${k}`, bytes: 4 })),
  ];
  const ints = [{ min: 0, max: panels }, { min: 0, max: panels }];
  const row = b.define({ areas, ints }, (body, [scores, scratch, ...rest], [from, to]) => {
    if (!scores || !scratch || !from || !to) return;
    const places = { at: body.at(scores), partial: body.at(scratch), span: { from, to } };
    finish(body, printExponentials(body, places), rest.map((area) => body.at(area)));
  });
  b.call(row, { areas: [at, partial, ...others], ints: [span.from, span.to] });
}

function printExponentials(
  b: Body,
  { at, span, partial }: {
    readonly at: Pointer;
    readonly span: { readonly from: I32; readonly to: I32 };
    readonly partial: Pointer;
  },
): { readonly most: V128; readonly total: V128 } {
  const lanes = range(PANEL_VECTORS);
  const top = partial.plus(2 * PANEL_VECTORS * VECTOR);
  /** Neighbouring stores let V8 pair the accumulators of the loop before. */
  const combine = (place: Pointer, values: readonly V128[], op: typeof f32x4.add): V128 => {
    values.forEach((value, v) => b.store(place.plus(VECTOR * v), value));
    const [p, q, r, s] = lanes.map((v) => b.let(b.load(place.plus(VECTOR * v)))) as [
      V128,
      V128,
      V128,
      V128,
    ];
    return b.let(acrossLanes(b.let(op(op(p, q), op(r, s))), op));
  };
  const maxima = lanes.map(() => b.variable(f32x4.splat(LOWEST)));
  b.walkFrom(span, [[at, 4 * PANEL]], (scores) => {
    maxima.forEach((each, v) => {
      b.set(each, f32x4.pmax(each, b.load(scores.plus(VECTOR * v))));
    });
  });
  const most = combine(partial, maxima, f32x4.pmax);
  b.store(top, most);
  const sums = lanes.map(() => b.variable(v128.zero));
  b.walkFrom(span, [[at, 4 * PANEL]], (scores) => {
    const from = b.let(b.loadSplat(top));
    const values = lanes.map((v) =>
      b.let(expNormal(b, b.let(f32x4.sub(b.load(scores.plus(VECTOR * v)), from))))
    );
    values.forEach((value, v) => b.store(scores.plus(VECTOR * v), value));
    sums.forEach((sum, v) => b.set(sum, f32x4.add(sum, values[v] as V128)));
  });
  return { most, total: combine(partial.plus(PANEL_VECTORS * VECTOR), sums, f32x4.add) };
}
