/** Probabilities and gradients of scores of one query, in a function of its own. */
import type { Body } from "../../../src/wasm/body.ts";
import { expNormal } from "../../../src/wasm/exp_normal.ts";
import type { Area, I32, Pointer, V128 } from "../../../src/wasm/values.ts";
import { f32x4, v128 } from "../../../src/wasm/vectors.ts";
import { range } from "../../emit/range.ts";
import type { AttentionAttrs } from "../attention_attrs.ts";
import type { AttentionCall, WordPointer } from "./call.ts";
import { type KeptLanes, keptLanes, PANEL_VECTORS, type PanelSpan } from "./mask.ts";
import { PANEL, VECTOR } from "./tile.ts";

/**
 * Replaces scores by probabilities p with dropout applied, and the gradients of probabilities by
 * p (gradient - delta), p without dropout.
 */
export function printRow(
  b: Body,
  call: AttentionCall,
  { words, lse, delta, paired }: {
    readonly words: WordPointer;
    readonly lse: Area;
    readonly delta: Area;
    /** Whether delta holds lse too. */
    readonly paired: boolean;
  },
  { row, drow, span, index }: {
    readonly row: Pointer;
    readonly drow: Pointer;
    readonly span: PanelSpan;
    /** Of the query in lse. */
    readonly index: I32;
  },
): void {
  const number = b.at(lse, index.times(4));
  const product = b.at(delta, index.times(paired ? 8 : 4)).plus(paired ? 4 : 0);
  const { attrs: { dropout }, padded, sizes: { batch, heads, queries } } = call;
  const key = dropout && words("key");
  const panels = { min: 0, max: padded / PANEL };
  const areas = [
    { name: "scores", bytes: 4 * padded },
    { name: "gradients", bytes: 4 * padded },
    { name: "lse", bytes: 4 },
    { name: "delta", bytes: 4 },
    ...key === undefined ? [] : [{ name: "key", bytes: 8 }],
  ];
  const ints = [panels, panels, { min: 0, max: batch * heads * queries - 1 }];
  const print = b.define({ areas, ints }, (body, all, [from, to, query]) => {
    const [at, dat, log, dot, keyArea] = all.map((area) => body.at(area));
    if (!at || !dat || !log || !dot || !from || !to || !query) return;
    const keptOf = keptLanes(body, call, () => keyArea, query);
    printScoreGradients(body, { at, dat, log, dot, span: { from, to }, keptOf, dropout });
  });
  b.call(print, {
    areas: [row, drow, number, product, ...key === undefined ? [] : [key]],
    ints: [span.from, span.to, index],
  });
}

function printScoreGradients(
  b: Body,
  { at, dat, log, dot, span, keptOf, dropout }: {
    readonly at: Pointer;
    readonly dat: Pointer;
    /** Of the row: the log of the sum of its exponentials, and the product of y and its gradient. */
    readonly log: Pointer;
    readonly dot: Pointer;
    readonly span: { readonly from: I32; readonly to: I32 };
    readonly keptOf: KeptLanes | undefined;
    readonly dropout: AttentionAttrs["dropout"];
  },
): void {
  const scale = f32x4.splat(1 / (dropout?.keep ?? 1));
  const line = 4 * PANEL;
  const print = (weights: Pointer, gradients: Pointer, panel?: I32) => {
    const [most, product] = [b.let(b.loadSplat(log)), b.let(b.loadSplat(dot))];
    for (let first = 0; first < PANEL_VECTORS; first += 2) {
      const values = range(2).map((k): readonly [V128, V128] => {
        const v = first + k;
        const p = expNormal(b, b.let(f32x4.sub(b.load(weights.plus(VECTOR * v)), most)));
        const dp = b.load(gradients.plus(VECTOR * v));
        if (keptOf === undefined || panel === undefined) {
          return [p, b.let(f32x4.mul(p, f32x4.sub(dp, product)))];
        }
        const mask = keptOf(panel, v);
        const used = b.let(v128.and(mask, f32x4.mul(p, scale)));
        const dused = v128.and(mask, f32x4.mul(dp, scale));
        return [used, b.let(f32x4.mul(p, f32x4.sub(dused, product)))];
      });
      for (const [side, to] of [weights, gradients].entries()) {
        values.forEach((pair, k) => {
          b.store(to.plus(VECTOR * (first + k)), pair[side as 0 | 1]);
        });
      }
    }
  };
  if (keptOf === undefined) {
    b.walkFrom(span, [[at, line], [dat, line]], (weights, gradients) => print(weights, gradients));
    return;
  }
  b.for(span, (panel) => {
    const bytes = b.letInt(panel.times(line));
    print(b.letPointer(at.plus(bytes)), b.letPointer(dat.plus(bytes)), panel);
  });
}
