/**
 * Attention of new tokens to cached keys and values, for decoding. The cache holds keys and values
 * alone, which several query heads may share (grouped and multi-query attention: Shazeer 2019;
 * Ainslie et al. 2023). B rows, n new tokens, C keys per row, H query heads, Hkv heads of keys and
 * values, d and Dv widths of a key and of a value. It has no gradient.
 */
import { sizeOf } from "../../../src/base/shape.ts";
import { applyAll } from "../../../src/graph/trace.ts";
import type { Io, Op, Tensor, View } from "../../../src/graph/types.ts";
import { linearGroups } from "../../../src/graph/wgsl.ts";
import { rowKernel } from "../../emit/rows.ts";
import { divisorAttrs } from "../attention_attrs.ts";
import type { HeadColumns, Heads } from "../heads.ts";
import { cachedCases } from "./cached_attention_cases.ts";
import { attendCachedReference } from "./cached_attention_reference.ts";
import type { CachedAttrs } from "./cached_attention_sizes.ts";
import { cachedSizes, cachedSpecs } from "./cached_attention_sizes.ts";
import { cachedAttentionKernel } from "./cached_attention_wasm.ts";
import { printApply, printScores, printSoftmax, valueItem } from "./cached_attention_wgsl.ts";

/** Keys and values, and which of them a token attends to. */
export interface CachedAttentionOptions {
  /** Hkv heads in the columns of f32 [B, C, ...]; Hkv divides H. */
  readonly k: Heads;
  /** As many heads in the columns of f32 [B, C, ...]; may be in the tensor of the keys. */
  readonly v: Heads;
  /**
   * u32 [n]: causal attention. Token i stands at position `places[i]`, below C, and attends to
   * positions 0 to `places[i]`, its own included.
   */
  readonly places?: Tensor | undefined;
  /**
   * u32 [B], at most C: row b attends to its first `lengths[b]` keys (cross attention). With no key,
   * y is 0.
   */
  readonly lengths?: Tensor | undefined;
  /** Divisor of the scores; default: sqrt(d). */
  readonly divisor?: number | undefined;
  /** Sliding window: the most positions that a token attends to, its own included. */
  readonly window?: number | undefined;
  /** Slopes of ALiBi, one per query head (kernels/attention/alibi.ts). */
  readonly alibi?: readonly number[] | undefined;
}

/**
 * Attention of new queries `q` [B, n, H d] to keys and values: y f32 [B, n, H Dv]. Query head h uses
 * head floor(h / (H / Hkv)) of keys and values. Without `places` and `lengths`, all keys are
 * attended to.
 * @throws {RangeError} when heads or shapes do not fit, both masks are given, a window or slopes
 * are given without `places`, or the divisor is not above 0.
 */
export function cachedAttention(
  q: Heads,
  { k, v, places, lengths, divisor, window, alibi }: CachedAttentionOptions,
): Tensor {
  if (places !== undefined && lengths !== undefined) {
    throw new RangeError("Cannot attend to cached keys: needs places or lengths: got both");
  }
  const masks = Object.entries({ places, lengths }).flatMap(([mask, tensor]) =>
    tensor === undefined ? [] : [{ mask, tensor }]
  );
  const attrs = {
    q: columnsOf(q),
    k: columnsOf(k),
    v: columnsOf(v),
    ...masks[0] !== undefined && { mask: masks[0].mask },
    ...divisorAttrs(divisor),
    ...window !== undefined && { window },
    ...alibi !== undefined && { alibi },
  };
  const inputs = [q.of, k.of, v.of, ...masks.map(({ tensor }) => tensor)];
  return applyAll(cachedAttentionOp, inputs, attrs)[0] as Tensor;
}

function columnsOf({ first, heads, width }: Heads): HeadColumns {
  return { first, heads, width };
}

/**
 * The op: inputs are the tensors of q, k and v and the mask; outputs y, and scratch [B, H, n, C]
 * with the probabilities.
 */
export const cachedAttentionOp: Op = {
  name: "cached_attention",
  shape: (inputs, attrs: CachedAttrs) => cachedSpecs(cachedSizes(inputs, attrs)),
  launch({ inputs, outputs }, attrs: CachedAttrs, target) {
    const sizes = cachedSizes(inputs, attrs);
    const call = { sizes, attrs, inputs };
    const { batch, count, heads, capacity } = sizes;
    const line = (n: number) => linearGroups(n, target.groups);
    const [queries, keys, values] = [{ input: 0 }, { input: 1 }, { input: 2 }];
    const mask = attrs.mask === undefined ? [] : [{ input: 3 }];
    const [y, scores] = [{ output: 0 }, { output: 1 }];
    const scoreGroups = line(sizeOf(outputs[1]?.shape ?? []));
    const applyGroups = line(sizeOf(outputs[0]?.shape ?? []) / valueItem(call));
    const rows = rowKernel(batch * heads * count, capacity, target);
    return [
      {
        wgsl: printScores(call, scoreGroups),
        bindings: [queries, ...mask, keys, scores],
        groups: scoreGroups,
      },
      {
        wgsl: printSoftmax(rows, { empty: attrs.mask === "lengths" }),
        bindings: [scores],
        groups: rows.groups,
      },
      {
        wgsl: printApply(call, applyGroups),
        bindings: [...mask, values, scores, y],
        groups: applyGroups,
      },
    ];
  },
  wasm: ({ inputs }, attrs: CachedAttrs) => cachedAttentionKernel(inputs, attrs),
  reference({ inputs, outputs }: Io<View>, attrs: CachedAttrs) {
    const [y, scores] = outputs as [View, View];
    attendCachedReference({ inputs, y, scores }, attrs);
  },
  cost({ inputs }, attrs: CachedAttrs) {
    const { batch, count, heads, shared, width, valueWidth, capacity } = cachedSizes(inputs, attrs);
    const [perQuery, perKey] = [heads * count, heads / shared * capacity];
    const scores = perQuery * capacity;
    return {
      flops: 2 * batch * scores * (width + valueWidth),
      bytes: 4 * batch * ((perQuery + perKey) * (width + valueWidth) + scores),
      terms: capacity + width + 64,
    };
  },
  cases: cachedCases(),
};
