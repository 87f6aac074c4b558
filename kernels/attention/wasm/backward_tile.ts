/** Probabilities and gradients of scores of a tile of queries, in a function of its own. */
import type { Body } from "../../../src/wasm/body.ts";
import { expNormal } from "../../../src/wasm/exp_normal.ts";
import type { Area, I32, Pointer, V128 } from "../../../src/wasm/values.ts";
import { f32x4, v128 } from "../../../src/wasm/vectors.ts";
import { range } from "../../emit/range.ts";
import type { AttentionCall, WordPointer } from "./call.ts";
import { keptLanes, PANEL_VECTORS, type PanelSpan } from "./mask.ts";
import { PANEL, VECTOR } from "./tile.ts";

/**
 * Replaces the scores of a tile by probabilities p with dropout applied, and the gradients of
 * probabilities by p (gradient - delta), p without dropout.
 */
export function printGradients(
  b: Body,
  call: AttentionCall,
  { words, lse, delta, paired }: {
    readonly words: WordPointer;
    readonly lse: Area;
    readonly delta: Area;
    /** Whether delta holds lse too. */
    readonly paired: boolean;
  },
  { weights, dscores, span, index }: {
    readonly weights: Pointer;
    readonly dscores: Pointer;
    readonly span: PanelSpan;
    /** Of the first query in lse. */
    readonly index: I32;
  },
): void {
  const { rows, padded, sizes: { batch, heads, queries } } = call;
  const key = call.attrs.dropout && words("key");
  const panels = { min: 0, max: padded / PANEL };
  const bytes = 4 * ((rows - 1) * call.pitch + padded);
  const step = paired ? 8 : 4;
  const areas = [
    { name: "scores", bytes },
    { name: "gradients", bytes },
    { name: "lse", bytes: 4 * rows },
    { name: "delta", bytes: step * (rows - 1) + 4 },
    ...key === undefined ? [] : [{ name: "key", bytes: 8 }],
  ];
  const ints = [panels, panels, { min: 0, max: batch * heads * queries - rows }];
  const print = b.define({ areas, ints }, (body, all, [from, to, first]) => {
    const [at, dat, logs, dots, keyAt] = all.map((area) => body.at(area));
    if (!at || !dat || !logs || !dots || !from || !to || !first) return;
    const places = { at, dat, logs, dots, step, span: { from, to } };
    if (keyAt === undefined) printPlain(body, call, places);
    else printDropped(body, call, { ...places, first, key: keyAt });
  });
  b.call(print, {
    areas: [
      weights,
      dscores,
      b.at(lse, index.times(4)),
      b.at(delta, index.times(step)).plus(step - 4),
      ...key === undefined ? [] : [key],
    ],
    ints: [span.from, span.to, index],
  });
}

/** Operands of a tile. */
interface Places {
  readonly at: Pointer;
  readonly dat: Pointer;
  /** Of the rows: logs of the sums of exponentials, and products of y and its gradient. */
  readonly logs: Pointer;
  readonly dots: Pointer;
  /** Bytes between products of rows. */
  readonly step: number;
  readonly span: { readonly from: I32; readonly to: I32 };
}

/** Vectors of a panel that V8 joins. */
const PAIRS = [[0, 1], [2, 3]] as const;

function printPlain(
  b: Body,
  { rows, pitch }: AttentionCall,
  { at, dat, logs, dots, step, span }: Places,
): void {
  const line = 4 * PANEL;
  b.walkFrom(span, [[at, line], [dat, line]], (weights, gradients) => {
    for (const r of range(rows)) {
      const log = b.let(b.loadSplat(logs.plus(4 * r)));
      const dot = b.let(b.loadSplat(dots.plus(step * r)));
      for (const pair of PAIRS) {
        const [to, dto] = [weights, gradients].map((part) =>
          pair.map((v) => part.plus(4 * r * pitch + VECTOR * v))
        ) as [Pointer[], Pointer[]];
        const p = to.map((place) => expNormal(b, b.let(f32x4.sub(b.load(place), log))));
        const ds = dto.map((place, k) =>
          b.let(f32x4.mul(p[k] as V128, f32x4.sub(b.load(place), dot)))
        );
        p.forEach((value, k) => b.store(to[k] as Pointer, value));
        ds.forEach((value, k) => b.store(dto[k] as Pointer, value));
      }
    }
  });
}

function printDropped(
  b: Body,
  call: AttentionCall,
  { at, dat, logs, dots, step, span, first, key }: Places & {
    /** Index of the first row in lse. */
    readonly first: I32;
    readonly key: Pointer;
  },
): void {
  const { rows, attrs: { dropout } } = call;
  const scale = f32x4.splat(1 / (dropout?.keep ?? 1));
  b.for({ to: rows }, (r) => {
    const keptOf = keptLanes(b, call, () => key, b.letInt(first.plus(r)));
    const log = b.let(b.loadSplat(logs.plus(r.times(4))));
    const dot = b.let(b.loadSplat(dots.plus(r.times(step))));
    b.for(span, (panel) => {
      const bytes = b.letInt(r.times(4 * call.pitch).plus(panel.times(4 * PANEL)));
      const [weights, gradients] = [at, dat].map((part) => b.letPointer(part.plus(bytes)));
      if (!weights || !gradients || !keptOf) return;
      for (const v of range(PANEL_VECTORS)) {
        const [to, dto] = [weights.plus(VECTOR * v), gradients.plus(VECTOR * v)];
        const p = expNormal(b, b.let(f32x4.sub(b.load(to), log)));
        const kept = keptOf(panel, v);
        const used = b.let(v128.and(kept, f32x4.mul(p, scale)));
        const dused = v128.and(kept, f32x4.mul(b.load(dto), scale));
        const ds = b.let(f32x4.mul(p, f32x4.sub(dused, dot)));
        b.store(to, used);
        b.store(dto, ds);
      }
    });
  });
}
