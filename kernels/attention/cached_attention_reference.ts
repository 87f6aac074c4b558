/** Attention with a KV cache in plain loops: the reference that kernels are tested against. */
import type { View } from "../../src/graph/types.ts";
import type { CachedAttrs } from "./cached_attention_sizes.ts";
import { cachedSizes } from "./cached_attention_sizes.ts";

/** Inputs and outputs of a call; the cache is both. */
export interface CachedViews {
  readonly qkv: View;
  readonly cache: View;
  readonly places: View;
  readonly y: View;
  /** Probabilities [B, H, n, C], 0 after each token's position. */
  readonly scores: View;
}

/** Writes the new rows to the cache, and fills y and the probabilities. */
export function attendCachedReference(views: CachedViews, attrs: CachedAttrs): void {
  const { qkv, cache, places, y, scores } = views;
  const { batch, count, heads, width, capacity, divisor } = cachedSizes(
    [qkv, cache, places],
    attrs,
  );
  const model = heads * width;
  const row = new Float64Array(capacity);
  for (let b = 0; b < batch; b++) {
    for (let t = 0; t < count; t++) {
      const from = (b * count + t) * 3 * model;
      const to = (b * capacity + (places.data[t] as number)) * 3 * model;
      cache.data.set(qkv.data.subarray(from, from + 3 * model), to);
    }
    for (let h = 0; h < heads; h++) {
      for (let t = 0; t < count; t++) {
        const query = (b * count + t) * 3 * model + h * width;
        const at = (j: number, part: number) => ((b * capacity + j) * 3 + part) * model + h * width;
        const last = places.data[t] as number;
        let top = -Infinity;
        for (let j = 0; j <= last; j++) {
          let sum = 0;
          for (let c = 0; c < width; c++) {
            sum += (qkv.data[query + c] as number) * (cache.data[at(j, 1) + c] as number);
          }
          row[j] = sum / divisor;
          top = Math.max(top, row[j] as number);
        }
        let total = 0;
        for (let j = 0; j <= last; j++) total += row[j] = Math.exp((row[j] as number) - top);
        for (let j = 0; j < capacity; j++) {
          const p = j <= last ? (row[j] as number) / total : 0;
          row[j] = p;
          scores.data[((b * heads + h) * count + t) * capacity + j] = p;
        }
        for (let c = 0; c < width; c++) {
          let sum = 0;
          for (let j = 0; j <= last; j++) {
            sum += (row[j] as number) * (cache.data[at(j, 2) + c] as number);
          }
          y.data[(b * count + t) * model + h * width + c] = sum;
        }
      }
    }
  }
}
