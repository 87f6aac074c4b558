/**
 * Attention, forward and backward, in plain loops: the reference that kernels are tested against.
 * Letters as in attention_sizes.ts.
 */
import { isKept } from "../../src/graph/formula_eval.ts";
import type { View } from "../../src/graph/types.ts";
import { basesOf, divisorOf } from "./attention_attrs.ts";
import type { AttentionAttrs, HeadPart } from "./attention_attrs.ts";
import { attentionSizes, partColumns } from "./attention_sizes.ts";
import type { AttentionSizes } from "./attention_sizes.ts";
import { readWords } from "./attention_words.ts";

/** Base tensors and optional inputs of a call. */
interface Given {
  readonly bases: readonly View[];
  readonly extra: readonly View[];
}

/** One query with the keys that it attends to. */
interface Row {
  readonly b: number;
  readonly h: number;
  readonly i: number;
  /** (b H + h) Tq + i */
  readonly index: number;
  /** Offset in y of the result. */
  readonly result: number;
  /** Keys that it attends to. */
  readonly keys: readonly number[];
  /** Scaled scores by key. */
  readonly scores: Float64Array;
  /** 1 / keep or 0 by key; 1 without dropout. */
  readonly keep: Float64Array;
}

/** Offset of the row of token `t` and query head `h` in its base tensor. */
type OffsetOf = (b: number, t: number, h: number) => number;

function offsets(sizes: AttentionSizes, part: HeadPart): OffsetOf {
  const { columns, first, heads, width } = partColumns(sizes, part);
  const time = part === "q" ? sizes.queries : sizes.keys;
  return (b, t, h) =>
    (b * time + t) * columns + first + Math.floor(h * heads / sizes.heads) * width;
}

/** Whether query i of row b attends to key j. */
function maskOf(
  { extra }: Given,
  sizes: AttentionSizes,
  attrs: AttentionAttrs,
): (b: number, i: number, j: number) => boolean {
  const { queries, keys } = sizes;
  const { causal, window = Infinity } = attrs;
  const read = readWords(extra, sizes, attrs);
  const [starts, lengths, segments] = [read("starts"), read("lengths"), read("segments")];
  const keySegments = read("key_segments") ?? segments;
  return (b, i, j) =>
    !(causal && j > i) && Math.abs(i - j) < window &&
    (starts === undefined || j >= starts(b * queries + i)) &&
    (lengths === undefined || j < lengths(b)) &&
    (segments === undefined || segments(b * queries + i) === keySegments?.(b * keys + j));
}

function eachRow(given: Given, attrs: AttentionAttrs, visit: (row: Row) => void): void {
  const { bases, extra } = given;
  const sizes = attentionSizes(bases, attrs);
  const { batch, heads, queries, keys: time, width, valueWidth } = sizes;
  const { dropout, alibi } = attrs;
  const [q, k] = [dataOf(bases, sizes, "q"), dataOf(bases, sizes, "k")];
  const [queryAt, keyAt] = [offsets(sizes, "q"), offsets(sizes, "k")];
  const attends = maskOf(given, sizes, attrs);
  const divisor = divisorOf(width, attrs);
  const key = readWords(extra, sizes, attrs)("key");
  const words = [key?.(0) ?? 0, key?.(1) ?? 0] as const;
  const scores = new Float64Array(time);
  const keep = new Float64Array(time).fill(1);
  for (let b = 0; b < batch; b++) {
    for (let h = 0; h < heads; h++) {
      for (let i = 0; i < queries; i++) {
        const index = (b * heads + h) * queries + i;
        const query = queryAt(b, i, h);
        const keys: number[] = [];
        for (let j = 0; j < time; j++) {
          if (!attends(b, i, j)) continue;
          keys.push(j);
          const at = keyAt(b, j, h);
          let sum = 0;
          for (let c = 0; c < width; c++) {
            sum += (q[query + c] as number) * (k[at + c] as number);
          }
          scores[j] = sum / divisor - (alibi?.[h] ?? 0) * Math.abs(i - j);
          if (dropout !== undefined) {
            keep[j] = isKept(words, index * time + j, dropout) ? 1 / dropout.keep : 0;
          }
        }
        const result = ((b * queries + i) * heads + h) * valueWidth;
        visit({ b, h, i, index, result, keys, scores, keep });
      }
    }
  }
}

function dataOf(views: readonly View[], sizes: AttentionSizes, part: HeadPart): View["data"] {
  return (views[partColumns(sizes, part).base] as View).data;
}

/**
 * Fills y [B, Tq, H Dv] and lse [B, H, Tq], the log-sum-exp of each row of scaled scores. A row
 * without keys has zeros in both.
 */
export function attendReference(
  { y, lse, ...given }: Given & { readonly y: View; readonly lse: View },
  attrs: AttentionAttrs,
): void {
  const sizes = attentionSizes(given.bases, attrs);
  const v = dataOf(given.bases, sizes, "v");
  const valueAt = offsets(sizes, "v");
  eachRow(given, attrs, ({ b, h, index, result, keys, scores, keep }) => {
    let top = -Infinity;
    for (const j of keys) top = Math.max(top, scores[j] as number);
    let total = 0;
    for (const j of keys) total += Math.exp((scores[j] as number) - top);
    const log = keys.length === 0 ? 0 : top + Math.log(total);
    lse.data[index] = log;
    for (let c = 0; c < sizes.valueWidth; c++) {
      let sum = 0;
      for (const j of keys) {
        const p = Math.exp((scores[j] as number) - log) * (keep[j] as number);
        sum += p * (v[valueAt(b, j, h) + c] as number);
      }
      y.data[result + c] = sum;
    }
  });
}

/**
 * The probabilities that a call gives its keys, [B, H, Tq, Tk] flat, before dropout; 0 where a query
 * does not attend. `inputs`: of the op, in order.
 */
export function attentionWeights(inputs: readonly View[], attrs: AttentionAttrs): Float32Array {
  const count = basesOf(attrs).length;
  const given = { bases: inputs.slice(0, count), extra: inputs.slice(count) };
  const { batch, heads, queries, keys: time } = attentionSizes(given.bases, attrs);
  const weights = new Float32Array(batch * heads * queries * time);
  eachRow(given, attrs, ({ index, keys, scores }) => {
    const top = keys.reduce((most, j) => Math.max(most, scores[j] as number), -Infinity);
    const shares = keys.map((j) => Math.exp((scores[j] as number) - top));
    const total = shares.reduce((sum, share) => sum + share, 0);
    keys.forEach((j, n) => weights[index * time + j] = (shares[n] as number) / total);
  });
  return weights;
}

/** Inputs and outputs of the backward pass. */
export interface BackwardViews extends Given {
  readonly y: View;
  readonly lse: View;
  readonly dy: View;
  /** Gradients of the base tensors. */
  readonly gradients: readonly View[];
  /**
   * [B, H, Tq]: dot product of dy and y over the head's width; [B, H, Tq, 2]: lse and that product.
   */
  readonly delta: View;
}

/** Fills the gradients and delta. Probabilities are recomputed from the scores and lse. */
export function attendBackwardReference(views: BackwardViews, attrs: AttentionAttrs): void {
  const { bases, extra, y, lse, dy, gradients, delta } = views;
  const sizes = attentionSizes(bases, attrs);
  const { width, valueWidth } = sizes;
  const [q, k, v] = (["q", "k", "v"] as const).map((part) => dataOf(bases, sizes, part)) as [
    View["data"],
    View["data"],
    View["data"],
  ];
  const [queryAt, keyAt, valueAt] = [
    offsets(sizes, "q"),
    offsets(sizes, "k"),
    offsets(sizes, "v"),
  ];
  const divisor = divisorOf(width, attrs);
  const sums = gradients.map(({ data }) => new Float64Array(data.length));
  const sumsOf = (part: HeadPart) => sums[partColumns(sizes, part).base] as Float64Array;
  const [dq, dk, dv] = [sumsOf("q"), sumsOf("k"), sumsOf("v")];
  const paired = delta.shape.length === 4;
  eachRow({ bases, extra }, attrs, ({ b, h, i, index, result, keys, scores, keep }) => {
    const log = lse.data[index] as number;
    let rowDot = 0;
    for (let c = 0; c < valueWidth; c++) {
      rowDot += (dy.data[result + c] as number) * (y.data[result + c] as number);
    }
    delta.data.set(paired ? [log, rowDot] : [rowDot], paired ? 2 * index : index);
    const query = queryAt(b, i, h);
    for (const j of keys) {
      const [at, value] = [keyAt(b, j, h), valueAt(b, j, h)];
      const p = Math.exp((scores[j] as number) - log);
      const used = p * (keep[j] as number);
      let dp = 0;
      for (let c = 0; c < valueWidth; c++) {
        dp += (dy.data[result + c] as number) * (v[value + c] as number);
        (dv[value + c] as number) += used * (dy.data[result + c] as number);
      }
      const ds = p * (dp * (keep[j] as number) - rowDot) / divisor;
      for (let c = 0; c < width; c++) {
        (dq[query + c] as number) += ds * (k[at + c] as number);
        (dk[at + c] as number) += ds * (q[query + c] as number);
      }
    }
  });
  gradients.forEach(({ data }, base) => data.set(sums[base] as Float64Array));
}
