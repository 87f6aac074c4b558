/**
 * Causal attention, forward and backward, in plain loops: the reference that kernels are tested
 * against. Letters as in attention_sizes.ts.
 */
import { isKept } from "../../src/graph/formula_eval.ts";
import type { View } from "../../src/graph/types.ts";
import type { AttentionAttrs } from "./attention_sizes.ts";
import { attentionSizes, divisorOf, extrasOf } from "./attention_sizes.ts";

/** One query: its offsets, and its rows of scores and of dropout factors. */
interface Row {
  /** (b H + h) T + i */
  readonly index: number;
  readonly i: number;
  /** First key that it attends to. */
  readonly from: number;
  /** Offsets in qkv of the query, and of the head's key and value at time 0. */
  readonly query: number;
  readonly keys: number;
  readonly values: number;
  /** Offset in y of the result. */
  readonly result: number;
  /** Scaled scores of keys `from` to i. */
  readonly scores: Float64Array;
  /** 1 / keep or 0 for keys `from` to i; 1 without dropout. */
  readonly keep: Float64Array;
}

function eachRow(
  { qkv, extra, attrs }: { qkv: View; extra: readonly View[]; attrs: AttentionAttrs },
  visit: (row: Row) => void,
): void {
  const { batch, time, heads, width } = attentionSizes(qkv, extra, attrs);
  const { dropout } = attrs;
  const { key, starts } = extrasOf(extra, attrs);
  const model = heads * width;
  const divisor = divisorOf(width, attrs);
  const scores = new Float64Array(time);
  const keep = new Float64Array(time).fill(1);
  const words = [key?.data[0] ?? 0, key?.data[1] ?? 0] as const;
  for (let b = 0; b < batch; b++) {
    for (let h = 0; h < heads; h++) {
      for (let i = 0; i < time; i++) {
        const index = (b * heads + h) * time + i;
        const query = (b * time + i) * 3 * model + h * width;
        const keys = b * time * 3 * model + model + h * width;
        const from = starts?.data[b * time + i] ?? 0;
        for (let j = from; j <= i; j++) {
          let sum = 0;
          for (let c = 0; c < width; c++) {
            sum += (qkv.data[query + c] as number) * (qkv.data[keys + j * 3 * model + c] as number);
          }
          scores[j] = sum / divisor;
          if (dropout !== undefined) {
            keep[j] = isKept(words, index * time + j, dropout) ? 1 / dropout.keep : 0;
          }
        }
        const result = (b * time + i) * model + h * width;
        visit({ index, i, from, query, keys, values: keys + model, result, scores, keep });
      }
    }
  }
}

/** Fills y [B, T, D] and lse [B, H, T], the log-sum-exp of each row of scaled scores. */
export function attendReference(
  { qkv, extra, y, lse }: { qkv: View; extra: readonly View[]; y: View; lse: View },
  attrs: AttentionAttrs,
): void {
  const { heads, width } = attentionSizes(qkv, extra, attrs);
  const stride = 3 * heads * width;
  eachRow({ qkv, extra, attrs }, ({ index, i, from, values, result, scores, keep }) => {
    let top = -Infinity;
    for (let j = from; j <= i; j++) top = Math.max(top, scores[j] as number);
    let total = 0;
    for (let j = from; j <= i; j++) total += Math.exp((scores[j] as number) - top);
    const log = top + Math.log(total);
    lse.data[index] = log;
    for (let c = 0; c < width; c++) {
      let sum = 0;
      for (let j = from; j <= i; j++) {
        const p = Math.exp((scores[j] as number) - log) * (keep[j] as number);
        sum += p * (qkv.data[values + j * stride + c] as number);
      }
      y.data[result + c] = sum;
    }
  });
}

/** Inputs and outputs of the backward pass. */
export interface BackwardViews {
  readonly qkv: View;
  /** The optional inputs. */
  readonly extra: readonly View[];
  readonly y: View;
  readonly lse: View;
  readonly dy: View;
  readonly dqkv: View;
  /** [B, H, T]: dot product of dy and y over the head's width. */
  readonly delta: View;
}

/** Fills dqkv and delta. Probabilities are recomputed from the scores and lse. */
export function attendBackwardReference(views: BackwardViews, attrs: AttentionAttrs): void {
  const { qkv, extra, y, lse, dy, dqkv, delta } = views;
  const { heads, width } = attentionSizes(qkv, extra, attrs);
  const stride = 3 * heads * width;
  const divisor = divisorOf(width, attrs);
  const sums = new Float64Array(dqkv.data.length);
  const add = (at: number, value: number) => (sums[at] as number) += value;
  eachRow(
    { qkv, extra, attrs },
    ({ index, i, from, query, keys, values, result, scores, keep }) => {
      let rowDot = 0;
      for (let c = 0; c < width; c++) {
        rowDot += (dy.data[result + c] as number) * (y.data[result + c] as number);
      }
      delta.data[index] = rowDot;
      for (let j = from; j <= i; j++) {
        const [k, v] = [keys + j * stride, values + j * stride];
        const p = Math.exp((scores[j] as number) - (lse.data[index] as number));
        const used = p * (keep[j] as number);
        let dp = 0;
        for (let c = 0; c < width; c++) {
          dp += (dy.data[result + c] as number) * (qkv.data[v + c] as number);
          add(v + c, used * (dy.data[result + c] as number));
        }
        const ds = p * (dp * (keep[j] as number) - rowDot) / divisor;
        for (let c = 0; c < width; c++) {
          add(query + c, ds * (qkv.data[k + c] as number));
          add(k + c, ds * (qkv.data[query + c] as number));
        }
      }
    },
  );
  dqkv.data.set(sums);
}
