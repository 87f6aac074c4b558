/**
 * Causal self-attention with a KV cache, for decoding: new tokens attend to the cached ones. The
 * cache holds packed qkv rows. B rows, n new tokens, C capacity of the cache in tokens, H heads, D
 * width of the model. It has no gradient.
 */
import { sizeOf } from "../../src/base/shape.ts";
import { applyAll } from "../../src/graph/trace.ts";
import type { Io, Op, Tensor, View } from "../../src/graph/types.ts";
import { linearGroups } from "../../src/graph/wgsl.ts";
import { cachedCases } from "./cached_attention_cases.ts";
import { divisorAttrs } from "./attention_sizes.ts";
import { attendCachedReference } from "./cached_attention_reference.ts";
import type { CachedAttrs } from "./cached_attention_sizes.ts";
import { cachedSizes, cachedSpecs } from "./cached_attention_sizes.ts";
import { printAppend, printApply, printScores, printSoftmax } from "./cached_attention_wgsl.ts";
import { itemWidth, rowKernel } from "../emit/rows.ts";

/**
 * Attention of qkv f32 [B, n, 3D] in `heads` heads: y f32 [B, n, D]. Token i is written to position
 * `places[i]` of `cache` f32 [B, C, 3D], in place, and attends to positions 0 to `places[i]`. The
 * caller must ensure that `places` u32 [n] are distinct and below C. `divisor` of the scores:
 * default sqrt(d).
 * @throws {RangeError} when D is no multiple of `heads`, a shape does not fit, or the divisor is
 * not above 0.
 */
export function cachedAttention(
  qkv: Tensor,
  { heads, cache, places, divisor }: {
    heads: number;
    cache: Tensor;
    places: Tensor;
    divisor?: number | undefined;
  },
): Tensor {
  return applyAll(cachedAttentionOp, [qkv, cache, places], {
    heads,
    ...divisorAttrs(divisor),
  })[0] as Tensor;
}

/** The op: inputs qkv, cache, places; outputs y, cache in place, and scratch [B, H, n, C]. */
export const cachedAttentionOp: Op = {
  name: "cached_attention",
  shape: (inputs, attrs: CachedAttrs) => cachedSpecs(cachedSizes(inputs, attrs)),
  donate: () => [undefined, 1],
  launch({ inputs, outputs }, attrs: CachedAttrs, target) {
    const sizes = cachedSizes(inputs, attrs);
    const { batch, count, heads, capacity, width } = sizes;
    const item = itemWidth(width);
    const line = (n: number) => linearGroups(n, target.groups);
    const [qkv, places] = [{ input: 0 }, { input: 2 }];
    const [y, cache, scores] = [{ output: 0 }, { output: 1 }, { output: 2 }];
    const [putGroups, scoreGroups, applyGroups] = [
      line(sizeOf(inputs[0]?.shape ?? []) / item),
      line(sizeOf(outputs[2]?.shape ?? [])),
      line(sizeOf(outputs[0]?.shape ?? []) / item),
    ];
    const rows = rowKernel(batch * heads * count, capacity, target);
    return [
      { wgsl: printAppend(sizes, putGroups), bindings: [qkv, places, cache], groups: putGroups },
      {
        wgsl: printScores(sizes, scoreGroups),
        bindings: [qkv, places, cache, scores],
        groups: scoreGroups,
      },
      { wgsl: printSoftmax(rows), bindings: [scores], groups: rows.groups },
      {
        wgsl: printApply(sizes, applyGroups),
        bindings: [places, cache, scores, y],
        groups: applyGroups,
      },
    ];
  },
  reference({ inputs, outputs }: Io<View>, attrs: CachedAttrs) {
    const [qkv, before, places] = inputs as [View, View, View];
    const [y, cache, scores] = outputs as [View, View, View];
    cache.data.set(before.data);
    attendCachedReference({ qkv, cache, places, y, scores }, attrs);
  },
  cost({ inputs, outputs }, attrs: CachedAttrs) {
    const { batch, count, heads, capacity, width } = cachedSizes(inputs, attrs);
    const bytes = [...inputs, ...outputs].reduce((sum, s) => sum + 4 * sizeOf(s.shape), 0);
    return {
      flops: 4 * batch * heads * count * capacity * width,
      bytes,
      terms: capacity + width + 64,
    };
  },
  cases: cachedCases(),
};
