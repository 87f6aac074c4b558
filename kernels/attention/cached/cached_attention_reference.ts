/** Attention to cached keys and values in plain loops: the reference of the kernels. */
import type { Spec, View } from "../../../src/graph/types.ts";
import type { HeadColumns } from "../heads.ts";
import type { CachedAttrs } from "./cached_attention_sizes.ts";
import { cachedSizes } from "./cached_attention_sizes.ts";

/** Views of a call: its inputs, y, and probabilities, which are 0 for keys that are not attended. */
export interface CachedViews {
  /** Tensors of the queries, keys and values, then places or lengths. */
  readonly inputs: readonly View[];
  readonly y: View;
  /** [B, H, n, C] */
  readonly scores: View;
}

/** The keys [from, end) that token t of row b attends to. */
function keysOf(
  { mask, window }: CachedAttrs,
  { words, capacity, b, t }: {
    words: View | undefined;
    capacity: number;
    b: number;
    t: number;
  },
): readonly [from: number, end: number] {
  if (mask === undefined) return [0, capacity];
  if (mask === "lengths") return [0, words?.data[b] as number];
  const end = words?.data[t] as number + 1;
  return [window === undefined ? 0 : Math.max(0, end - window), end];
}

/** Fills y and the probabilities. */
export function attendCachedReference(
  { inputs, y, scores }: CachedViews,
  attrs: CachedAttrs,
): void {
  const [queries, keys, values, words] = inputs as [View, View, View, View?];
  const sizes = cachedSizes(inputs, attrs);
  const { batch, count, heads, shared, width, valueWidth, capacity, divisor } = sizes;
  const { q, k, v, alibi } = attrs;
  const row = new Float64Array(capacity);
  for (let b = 0; b < batch; b++) {
    for (let h = 0; h < heads; h++) {
      for (let t = 0; t < count; t++) {
        const [from, end] = keysOf(attrs, { words, capacity, b, t });
        const query = columnOf(queries, q, { token: b * count + t, head: h });
        const head = Math.floor(h / shared);
        let top = -Infinity;
        for (let j = from; j < end; j++) {
          const key = columnOf(keys, k, { token: b * capacity + j, head });
          let sum = 0;
          for (let c = 0; c < width; c++) {
            sum += (queries.data[query + c] as number) * (keys.data[key + c] as number);
          }
          row[j] = sum / divisor - (alibi?.[h] ?? 0) * (end - 1 - j);
          top = Math.max(top, row[j] as number);
        }
        let total = 0;
        for (let j = from; j < end; j++) total += row[j] = Math.exp((row[j] as number) - top);
        for (let j = 0; j < capacity; j++) {
          const p = j >= from && j < end ? (row[j] as number) / total : 0;
          row[j] = p;
          scores.data[((b * heads + h) * count + t) * capacity + j] = p;
        }
        for (let c = 0; c < valueWidth; c++) {
          let sum = 0;
          for (let j = from; j < end; j++) {
            const value = columnOf(values, v, { token: b * capacity + j, head });
            sum += (row[j] as number) * (values.data[value + c] as number);
          }
          y.data[((b * count + t) * heads + h) * valueWidth + c] = sum;
        }
      }
    }
  }
}

/** Index of the first element of a head of a token, counted over all rows. */
function columnOf(
  { shape }: Spec,
  { first, width }: HeadColumns,
  { token, head }: { token: number; head: number },
): number {
  return token * (shape[2] as number) + first + head * width;
}
