/** Masks of attention on rows of scores: ranges of keys, and vectors of what is kept. */
import { keepThreshold } from "../../../src/graph/formula_eval.ts";
import type { Body } from "../../../src/wasm/body.ts";
import { larger, smaller } from "../../../src/wasm/ints.ts";
import type { VectorKey } from "../../../src/wasm/random.ts";
import { threefryVector } from "../../../src/wasm/random.ts";
import { I32, type Pointer, type V128 } from "../../../src/wasm/values.ts";
import { f32x4, i32x4, v128 } from "../../../src/wasm/vectors.ts";
import { range } from "../../emit/range.ts";
import type { AttentionCall, WordPointer } from "./call.ts";
import { copyScaledRows } from "./pack.ts";
import { PANEL, VECTOR } from "./tile.ts";

/** Vectors of a panel. */
export const PANEL_VECTORS = PANEL / 4;

/** What masks of a row of the batch need. */
export interface BatchMask {
  readonly batch: I32;
  readonly words: WordPointer;
  /** Number of keys. */
  readonly length: I32;
  /** Ids of keys, padded to whole panels, where there are segments. */
  readonly keySegments: Pointer | undefined;
}

/** Loads the length of a row of the batch, and copies the ids of its keys to `segments`. */
export function batchMask(
  b: Body,
  { sizes: { keys, queries }, attrs }: AttentionCall,
  { batch, words, segments }: {
    readonly batch: I32;
    readonly words: WordPointer;
    readonly segments: Pointer;
  },
): BatchMask {
  const lengths = words("lengths");
  const length = lengths === undefined
    ? I32.of(keys)
    : b.loadIndex(lengths.plus(batch.times(4)), keys + 1);
  if (attrs.segments === undefined) return { batch, words, length, keySegments: undefined };
  const own = words("key_segments");
  const ids = own?.plus(batch.times(4 * keys)) ?? words("segments")?.plus(batch.times(4 * queries));
  copyScaledRows(b, { at: ids as Pointer, row: 4, tokens: 1, columns: keys }, {
    at: segments,
    row: 4,
  });
  return { batch, words, length, keySegments: segments };
}

/** Panels of keys that a tile of queries may attend to. */
export interface PanelSpan {
  readonly from: I32;
  readonly to: I32;
  /** End of the keys, at most the end of the last panel. */
  readonly keys: I32;
  /** First panel in which some key may be masked for some query. */
  readonly masked: I32;
}

/** The panels of `count` queries from `first` on. */
export function panelSpan(
  b: Body,
  { attrs, sizes }: AttentionCall,
  { length }: BatchMask,
  { first, count }: { readonly first: I32; readonly count: number },
): PanelSpan {
  const { causal, window, starts, segments, alibi } = attrs;
  /** End of the keys of one query. */
  const endOf = (query: I32): I32 => {
    const own = causal ? smaller(b, length, query.plus(1)) : length;
    return window === undefined ? own : smaller(b, own, query.plus(window));
  };
  const keys = endOf(first.plus(count - 1));
  const to = b.letInt(keys.plus(PANEL - 1).over(PANEL));
  const low = window === undefined ? I32.of(0) : larger(b, 0, first.plus(1 - window));
  const from = b.letInt(smaller(b, low, sizes.keys).over(PANEL));
  const everywhere = starts || alibi || segments !== undefined || window !== undefined;
  return { from, to, keys, masked: everywhere ? from : b.letInt(endOf(first).over(PANEL)) };
}

/** A tile of queries from `first` on, and the rows of their scores. */
export interface MaskedTile {
  readonly at: Pointer;
  readonly first: I32;
  /** Slope of ALiBi. */
  readonly slope: Pointer | undefined;
  readonly span: PanelSpan;
}

/** Adds biases to the scores of a tile, and replaces those of masked keys by -Infinity. */
export function maskTile(b: Body, call: AttentionCall, mask: BatchMask, tile: MaskedTile): void {
  const { attrs, sizes, padded, rows, pitch } = call;
  const { window, starts, segments, alibi, lengths, causal } = attrs;
  const { at, first, slope, span } = tile;
  if (window !== undefined || starts || segments !== undefined || alibi !== undefined) {
    b.for({ to: rows }, (r) => {
      const row = b.letPointer(at.plus(r.times(4 * pitch)));
      const query = b.letInt(first.plus(r));
      const panels = { from: span.masked, to: span.to };
      maskRow(b, call, mask, { at: row, query, slope }, panels);
    });
  } else if (causal || lengths || padded > sizes.keys) {
    const panels = { min: 0, max: padded / PANEL };
    const queries = { min: 0, max: sizes.queries - rows };
    const ints = [panels, panels, queries, { min: 0, max: sizes.keys }];
    const areas = [{ name: "scores", bytes: 4 * ((rows - 1) * pitch + padded) }];
    const callee = b.define({ areas, ints }, (body, [scores], [from, to, query, length]) => {
      if (!scores || !from || !to || !query || !length) return;
      const span = { from, to };
      maskEnds(body, call, { at: body.at(scores), first: query, length, span });
    });
    b.call(callee, { areas: [at], ints: [span.masked, span.to, first, mask.length] });
  }
}

/** Masks the keys behind the end of each row of a tile. */
function maskEnds(
  b: Body,
  { attrs: { causal }, rows, pitch }: AttentionCall,
  { at, first, length, span }: {
    readonly at: Pointer;
    readonly first: I32;
    readonly length: I32;
    readonly span: { readonly from: I32; readonly to: I32 };
  },
): void {
  const ends = range(rows).map((r) =>
    b.let(i32x4.splatOf(causal ? smaller(b, length, first.plus(r + 1)) : length))
  );
  b.for(span, (panel) => {
    const scores = b.letPointer(at.plus(panel.times(4 * PANEL)));
    const indices = range(PANEL_VECTORS).map((v) => keyLanes(b, panel, v));
    ends.forEach((end, r) => {
      indices.forEach((index, v) => {
        const place = scores.plus(4 * r * pitch + VECTOR * v);
        const valid = i32x4.gt(end, index);
        b.store(place, v128.select(valid, b.load(place), f32x4.splat(-Infinity)));
      });
    });
  });
}

/** A query, and the row of its scores. */
interface ScoreRow {
  readonly at: Pointer;
  readonly query: I32;
  /** Slope of ALiBi in all lanes. */
  readonly slope: Pointer | undefined;
}

/** Adds biases to the scores of a row, and replaces those of keys that are masked by -Infinity. */
function maskRow(
  b: Body,
  { attrs, sizes: { keys, queries } }: AttentionCall,
  { batch, words, length, keySegments }: BatchMask,
  { at, query, slope }: ScoreRow,
  span: { readonly from: I32; readonly to: I32 },
): void {
  const { causal, window } = attrs;
  const starts = words("starts")?.plus(batch.times(queries).plus(query).times(4));
  const segment = words("segments")?.plus(batch.times(queries).plus(query).times(4));
  const end = causal ? smaller(b, length, query.plus(1)) : length;
  const last = window === undefined ? end : smaller(b, end, query.plus(window));
  const ends = b.let(i32x4.splatOf(last));
  const lows = [
    ...window === undefined ? [] : [larger(b, 0, query.plus(1 - window))],
    ...starts === undefined ? [] : [b.loadIndex(starts, keys + 1)],
  ].map((low) => b.let(i32x4.splatOf(low)));
  const own = segment === undefined ? undefined : b.let(b.loadSplat(segment));
  const queryLanes = b.let(i32x4.splatOf(query));
  const bias = slope === undefined ? undefined : b.let(b.loadSplat(slope));
  b.for(span, (panel) => {
    const bytes = b.letInt(panel.times(4 * PANEL));
    const scores = b.letPointer(at.plus(bytes));
    const values = range(PANEL_VECTORS).map((v) => {
      const index = keyLanes(b, panel, v);
      let valid = b.let(i32x4.gt(ends, index));
      for (const low of lows) valid = b.let(v128.andNot(valid, i32x4.gt(low, index)));
      if (own !== undefined && keySegments !== undefined) {
        const ids = b.load(keySegments.plus(bytes).plus(VECTOR * v));
        valid = b.let(v128.and(valid, i32x4.eq(own, ids)));
      }
      const score = b.load(scores.plus(VECTOR * v));
      const distance = f32x4.abs(f32x4.fromInt(i32x4.sub(queryLanes, index)));
      const biased = bias === undefined ? score : f32x4.nmadd(bias, distance, score);
      return b.let(v128.select(valid, biased, f32x4.splat(-Infinity)));
    });
    values.forEach((value, v) => b.store(scores.plus(VECTOR * v), value));
  });
}

/** Indices of the keys of vector `v` of a panel. */
export function keyLanes(b: Body, panel: I32, v: number): V128 {
  const first = i32x4.splatOf(panel.times(PANEL).plus(4 * v));
  return b.let(i32x4.add(first, i32x4.of(0, 1, 2, 3)));
}

/** Which probabilities of a query are kept, all ones or zeros per key. */
export type KeptLanes = (panel: I32, v: number) => V128;

/** The mask of dropout of the query with this index in lse; undefined without dropout. */
export function keptLanes(
  b: Body,
  { attrs: { dropout }, sizes: { keys } }: AttentionCall,
  words: WordPointer,
  index: I32,
): KeptLanes | undefined {
  const at = words("key");
  if (dropout === undefined || at === undefined) return undefined;
  const key: VectorKey = [b.let(b.loadSplat(at)), b.let(b.loadSplat(at.plus(4)))];
  // The counter of an element wraps at 2^32, as it does in the reference.
  const first = b.let(i32x4.mul(i32x4.splatOf(index), i32x4.splat(keys)));
  const threshold = i32x4.splat(keepThreshold(dropout.keep));
  return (panel, v) => {
    const counters = b.let(i32x4.add(first, keyLanes(b, panel, v)));
    const word = i32x4.shrUnsigned(threefryVector(b, key, counters, dropout.site), 8);
    // 24-bit words compare alike as signed and unsigned.
    return b.let(i32x4.lt(word, threshold));
  };
}
