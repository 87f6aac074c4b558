/**
 * The WebAssembly kernel of attention to cached keys: for each query the scores of all keys in
 * scratch memory, their softmax, and the weighted sum of the values. Nothing is packed, because a
 * decoding step reads each key once.
 */
import type { Spec } from "../../../src/graph/types.ts";
import type { Body } from "../../../src/wasm/body.ts";
import { larger, smaller } from "../../../src/wasm/ints.ts";
import type { KernelAreas, WasmKernel } from "../../../src/wasm/kernel.ts";
import { transposeQuads } from "../../../src/wasm/transpose.ts";
import { type Area, I32, type Pointer, type V128 } from "../../../src/wasm/values.ts";
import { acrossLanes, f32x4, i32x4, v128 } from "../../../src/wasm/vectors.ts";
import { range } from "../../emit/range.ts";
import type { HeadColumns } from "../heads.ts";
import { keyLanes, PANEL_VECTORS } from "../wasm/mask.ts";
import { copyScaledRows, fillSlopes } from "../wasm/pack.ts";
import { exponentials, PARTIAL_VECTORS } from "../wasm/softmax.ts";
import { PANEL, VECTOR, weightedRows } from "../wasm/tile.ts";
import type { CachedAttrs, CachedSizes } from "./cached_attention_sizes.ts";
import { cachedSizes } from "./cached_attention_sizes.ts";

/** Keys whose products with a query are summed side by side. */
const KEYS = 8;
/** Columns of values that are summed side by side. */
const COLUMNS = 32;

/** The kernel of a call: inputs q, k, v and the mask; outputs y and probabilities. */
export function cachedAttentionKernel(inputs: readonly Spec[], attrs: CachedAttrs): WasmKernel {
  const sizes = cachedSizes(inputs, attrs);
  const padded = Math.ceil(sizes.capacity / PANEL) * PANEL;
  // Scores of a row, partial results of its softmax, and its factor.
  const slopesAt = 4 * padded + (PARTIAL_VECTORS + 1) * VECTOR;
  const columns = inputs.slice(0, 3).map(({ shape }) => shape[2] as number);
  const print = (b: Body, areas: KernelAreas) => {
    const { batch, count, heads, shared } = sizes;
    const slopes = b.at(areas.scratch, slopesAt);
    fillSlopes(b, attrs.alibi ?? [], slopes);
    b.for({ to: batch }, (row) => {
      b.for({ to: heads }, (head) => {
        b.for({ to: count }, (token) => {
          printQuery(b, { sizes, attrs, columns, areas, padded, slopes }, {
            ...{ row, head, token },
            kvHead: b.letInt(head.over(shared)),
          });
        });
      });
    });
  };
  return { scratch: slopesAt + 4 * sizes.heads, print };
}

/** A call and its operands. */
interface Call {
  readonly sizes: CachedSizes;
  readonly attrs: CachedAttrs;
  /** Columns of the tensors of q, k and v. */
  readonly columns: readonly number[];
  readonly areas: KernelAreas;
  /** Keys, rounded up to whole panels. */
  readonly padded: number;
  readonly slopes: Pointer;
}

/** A query. */
interface Query {
  readonly row: I32;
  readonly head: I32;
  readonly token: I32;
  readonly kvHead: I32;
}

function printQuery(b: Body, call: Call, query: Query): void {
  const { sizes, attrs, columns, areas, padded } = call;
  const { row, head, token, kvHead } = query;
  const { count, heads, valueWidth, capacity } = sizes;
  const scores = b.at(areas.scratch);
  const [y, probabilities] = areas.outputs as [Area, Area];
  const headOf = (input: number, { first, width }: HeadColumns, line: I32, of: I32): Pointer => {
    const bytes = line.times(4 * (columns[input] as number)).plus(of.times(4 * width));
    return b.letPointer(b.at(areas.inputs[input] as Area, bytes.plus(4 * first)));
  };
  const keys = row.times(capacity);
  const span = keySpan(b, call, query);
  const panels = {
    from: b.letInt(span.from.over(PANEL)),
    to: b.letInt(span.to.plus(PANEL - 1).over(PANEL)),
  };
  printProducts(b, call, {
    q: headOf(0, attrs.q, row.times(count).plus(token), head),
    k: headOf(1, attrs.k, keys, kvHead),
    panels,
  });
  printMask(b, call, { head, span, panels });
  const partial = scores.plus(4 * padded);
  const inverse = scores.plus(4 * padded + VECTOR * PARTIAL_VECTORS);
  exponentials(
    b,
    {
      ...{ rows: 1, pitch: 4 * padded, panels: padded / PANEL },
      ...{ at: scores, span: panels, partial, others: [inverse] },
    },
    (body, { total }, [to]) => {
      if (!to) return;
      const isEmpty = f32x4.eq(total, v128.zero);
      body.storeOne(to, v128.andNot(f32x4.div(f32x4.splat(1), total), isEmpty));
    },
  );
  const factor = b.let(b.loadSplat(inverse));
  const line = 4 * PANEL;
  const lanes = range(PANEL_VECTORS).map((v) => VECTOR * v);
  const fill = (from: number | I32, to: number | I32, value: (at: Pointer) => V128) =>
    b.walkFrom({ from, to }, [[scores, line]], (at) => {
      const values = lanes.map((bytes) => b.let(value(at.plus(bytes))));
      values.forEach((each, v) => b.store(at.plus(VECTOR * v), each));
    });
  fill(0, panels.from, () => v128.zero);
  fill(panels.from, panels.to, (at) => f32x4.mul(b.load(at), factor));
  fill(panels.to, padded / PANEL, () => v128.zero);
  const index = b.letInt(row.times(heads).plus(head).times(count).plus(token));
  copyScaledRows(
    b,
    { at: scores, row: 4 * padded, tokens: 1, columns: capacity },
    { at: b.letPointer(b.at(probabilities, index.times(4 * capacity))), row: 4 * capacity },
  );
  const result = row.times(count).plus(token).times(heads).plus(head).times(4 * valueWidth);
  const target = 4 * heads * valueWidth;
  weightedRows(b, {
    rows: 1,
    depth: capacity,
    left: { row: 0, step: 4 },
    right: { step: 4 * (columns[2] as number), isRagged: true },
    target,
  }, {
    columns: valueWidth,
    width: COLUMNS,
    operands: {
      left: scores,
      right: headOf(2, attrs.v, keys, kvHead),
      target: b.letPointer(b.at(y, result)),
      span: { from: panels.from.times(PANEL), to: span.to },
    },
  });
}

/** The keys from `from` to `to` - 1 that a query attends to. */
function keySpan(
  b: Body,
  { sizes: { capacity }, attrs: { mask, window }, areas }: Call,
  { row, token }: Query,
): { readonly from: I32; readonly to: I32 } {
  const words = areas.inputs[3];
  if (mask === undefined || words === undefined) return { from: I32.of(0), to: I32.of(capacity) };
  if (mask === "lengths") {
    return { from: I32.of(0), to: b.loadIndex(b.at(words, row.times(4)), capacity + 1) };
  }
  const place = b.loadIndex(b.at(words, token.times(4)), capacity);
  const from = window === undefined ? I32.of(0) : larger(b, 0, place.plus(1 - window));
  return { from, to: b.letInt(place.plus(1)) };
}

/** Computes the scores of the panels; other keys of them get some number. */
function printProducts(
  b: Body,
  { sizes: { width, capacity, divisor }, columns, areas }: Call,
  { q, k, panels }: {
    readonly q: Pointer;
    readonly k: Pointer;
    readonly panels: { readonly from: I32; readonly to: I32 };
  },
): void {
  const scores = b.at(areas.scratch);
  const row = 4 * (columns[1] as number);
  const scale = f32x4.splat(1 / divisor);
  const whole = Math.floor(capacity / KEYS);
  /** Sums per lane of the products of `count` keys. */
  const sumsOf = (keys: Pointer, count: number): V128[] => {
    const sums = range(count).map(() => b.variable(v128.zero));
    const add = (left: Pointer, right: Pointer, lanes: number) => {
      const query = b.let(b.loadSome(left, lanes));
      sums.forEach((sum, j) => {
        b.set(sum, f32x4.madd(query, b.loadSome(right.plus(j * row), lanes), sum));
      });
    };
    const quads = Math.floor(width / 4);
    b.walk(quads, [[q, VECTOR], [keys, VECTOR]], (left, right) => add(left, right, 4));
    if (width % 4 > 0) add(q.plus(VECTOR * quads), keys.plus(VECTOR * quads), width % 4);
    return sums;
  };
  const groups = { from: panels.from.times(PANEL / KEYS), to: panels.to.times(PANEL / KEYS) };
  const steps = [[scores, 4 * KEYS], [k, KEYS * row]] as const;
  b.walkFrom({ from: groups.from, to: smaller(b, groups.to, whole) }, steps, (to, keys) => {
    const sums = sumsOf(keys, KEYS);
    const values = range(KEYS / 4).map((v) => {
      const [s0, s1, s2, s3] = transposeQuads(b, sums.slice(4 * v, 4 * v + 4)) as [
        V128,
        V128,
        V128,
        V128,
      ];
      // The order of the sum of lanes of one key.
      const sum = f32x4.add(f32x4.add(s0, s2), f32x4.add(s1, s3));
      return b.let(f32x4.mul(sum, scale));
    });
    values.forEach((value, v) => b.store(to.plus(VECTOR * v), value));
  });
  const rest = [scores.plus(4 * KEYS * whole), k.plus(KEYS * row * whole)] as const;
  b.walk(capacity % KEYS, [[rest[0], 4], [rest[1], row]], (to, key) => {
    const [sum] = sumsOf(key, 1) as [V128];
    b.storeOne(to, f32x4.mul(acrossLanes(sum, f32x4.add), scale));
  });
}

/** Adds biases, and replaces the scores of keys outside of the span by -Infinity. */
function printMask(
  b: Body,
  { sizes: { capacity }, attrs: { alibi, window }, areas, slopes, padded }: Call,
  { head, span, panels }: {
    readonly head: I32;
    readonly span: { readonly from: I32; readonly to: I32 };
    readonly panels: { readonly from: I32; readonly to: I32 };
  },
): void {
  if (span.to.known !== undefined && padded === capacity) return;
  const isEverywhere = alibi !== undefined || window !== undefined;
  const [from, to] = [span.from, span.to].map((each) => b.let(i32x4.splatOf(each)));
  const last = b.let(i32x4.splatOf(span.to.minus(1)));
  const slope = alibi && b.let(b.loadSplat(slopes.plus(head.times(4))));
  const start = isEverywhere ? panels.from : b.letInt(span.to.over(PANEL));
  b.for({ from: start, to: panels.to }, (panel) => {
    const at = b.letPointer(b.at(areas.scratch, panel.times(4 * PANEL)));
    const values = range(PANEL_VECTORS).map((v) => {
      const index = keyLanes(b, panel, v);
      const below = i32x4.gt(to as V128, index);
      const valid = window === undefined
        ? below
        : v128.andNot(below, i32x4.gt(from as V128, index));
      const score = b.load(at.plus(VECTOR * v));
      const distance = f32x4.fromInt(i32x4.sub(last, index));
      const biased = slope === undefined ? score : f32x4.nmadd(slope, distance, score);
      return b.let(v128.select(valid, biased, f32x4.splat(-Infinity)));
    });
    values.forEach((value, v) => b.store(at.plus(VECTOR * v), value));
  });
}
