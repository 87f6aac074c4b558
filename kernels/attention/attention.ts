/**
 * Multi-head attention over queries, keys and values with masks, by online softmax: no Tq x Tk matrix
 * is stored. Source: Dao, Fu, Ermon, Rudra, Ré, "FlashAttention" (2022), algorithm 1. Letters as in
 * attention_sizes.ts.
 */
import { apply, applyAll } from "../../src/graph/trace.ts";
import type { Grad, Io, Op, Spec, Tensor, View } from "../../src/graph/types.ts";
import { basesOf, divisorAttrs } from "./attention_attrs.ts";
import type { AttentionAttrs } from "./attention_attrs.ts";
import { attentionBackwardOp } from "./attention_backward.ts";
import { attentionForwardCases } from "./attention_cases.ts";
import { maskAttrs, maskTensors } from "./attention_mask.ts";
import type { AttentionMask } from "./attention_mask.ts";
import { attendReference } from "./attention_reference.ts";
import { attentionCost, attentionSizes, attentionSpecs } from "./attention_sizes.ts";
import type { AttentionSizes } from "./attention_sizes.ts";
import { attentionKernel } from "./attention_tile.ts";
import { joinedSpec, joinLaunch, joinWords, requireWords, wordInputs } from "./attention_words.ts";
import { layoutOf } from "./heads.ts";
import type { Heads } from "./heads.ts";
import { attentionForwardKernel } from "./wasm/forward.ts";
import { printForward } from "./wgsl/forward.ts";

/**
 * Dropout of attention probabilities with probability `p`, by the random mask of `key` and `site`.
 */
export interface AttentionDropout {
  /** Probability to drop, in [0, 1). */
  readonly p: number;
  /** Number of the call, unique in its trace. */
  readonly site: number;
  /** u32 [2] */
  readonly key: Tensor;
}

/** Options of {@linkcode attention}. */
export interface AttentionOptions {
  /** Which keys a query attends to; default: all. */
  readonly mask?: AttentionMask | undefined;
  /** Default: none. */
  readonly dropout?: AttentionDropout | undefined;
  /** Divisor of the scores; default: sqrt(d), d the width of a head of queries. */
  readonly divisor?: number | undefined;
  /**
   * Slopes of ALiBi, one for each query head, for example `alibiSlopes(heads)`: `slope |i - j|` is
   * subtracted from the scaled score of query i and key j.
   */
  readonly alibi?: readonly number[] | undefined;
}

/**
 * Attention of q [B, Tq, H, d] to k [B, Tk, Hkv, d] and v [B, Tk, Hkv, Dv], views of heads in the
 * columns of their tensors: y f32 [B, Tq, H Dv]. Hkv divides H: query head h reads head
 * floor(h Hkv / H) of keys and values (grouped-query attention: Ainslie et al. 2023, section 2.2).
 * A query without any key gives zeros, and has no gradient. Views of one tensor must cover all of its
 * columns, so that the gradient of a tensor is written in one piece.
 * @throws {RangeError} when the views of a tensor leave columns out or overlap, sizes do not fit, p is
 * not in [0, 1), the divisor is not above 0, or the mask does not fit.
 */
export function attention(
  { q, k, v }: { readonly q: Heads; readonly k: Heads; readonly v: Heads },
  { mask = {}, dropout, divisor, alibi }: AttentionOptions = {},
): Tensor {
  const { tensors, ...layout } = layoutOf({ q, k, v });
  const common: AttentionAttrs = {
    ...layout,
    ...maskAttrs(mask),
    ...divisorAttrs(divisor),
    ...alibi !== undefined && { alibi },
  };
  const last = maskTensors(mask);
  if (dropout === undefined || dropout.p === 0) {
    return apply(attentionOp, [...tensors, ...last], common);
  }
  const { p, site, key } = dropout;
  if (!(p > 0 && p < 1)) {
    throw new RangeError(`Cannot drop attention: p must be in [0, 1): ${p}`);
  }
  const attrs = { ...common, dropout: { site, keep: 1 - p } };
  return apply(attentionOp, [...tensors, key, ...last], attrs);
}

/** Base tensors, optional inputs and sizes of a call of the forward op. */
function partsOf<T extends Spec>(
  inputs: readonly T[],
  attrs: AttentionAttrs,
): { bases: readonly T[]; extra: readonly T[]; sizes: AttentionSizes } {
  const count = basesOf(attrs).length;
  const bases = inputs.slice(0, count);
  return { bases, extra: inputs.slice(count), sizes: attentionSizes(bases, attrs) };
}

function vjp(
  { inputs, outputs }: Io<Tensor>,
  dout: readonly Grad[],
  attrs: AttentionAttrs,
): readonly Grad[] {
  const { bases, extra } = partsOf(inputs, attrs);
  const [y, lse, joined] = outputs as [Tensor, Tensor, Tensor | undefined];
  const [dy, dlse] = dout;
  if (dlse !== undefined) {
    throw new RangeError("Cannot differentiate attention: only y has a gradient, not lse");
  }
  if (dy === undefined) return inputs.map(() => undefined);
  const words = joined === undefined ? extra : [joined];
  const made = applyAll(attentionBackwardOp, [...bases, y, lse, dy, ...words], attrs);
  return inputs.map((_, i) => i < bases.length ? made[i] : undefined);
}

/**
 * The op behind {@linkcode attention}: base tensors, key?, tensors of masks give y, lse [B, H, Tq],
 * and the optional inputs joined, where they exceed the bindings of the backward op.
 */
export const attentionOp: Op = {
  name: "attention",
  shape(inputs, attrs: AttentionAttrs) {
    const { extra, sizes } = partsOf(inputs, attrs);
    requireWords(extra, sizes, attrs);
    const joined = joinedSpec(sizes, attrs);
    return [...attentionSpecs(sizes), ...joined === undefined ? [] : [joined]];
  },
  launch({ inputs }, attrs: AttentionAttrs, target) {
    const { bases, extra, sizes } = partsOf(inputs, attrs);
    const kernel = attentionKernel(sizes, attrs, { target, side: "queries", sets: 1 });
    const first = bases.length;
    const words = kernel.joined ? [{ output: 2 }] : extra.map((_, i) => ({ input: first + i }));
    const attend = {
      wgsl: printForward(kernel),
      bindings: [...bases.map((_, i) => ({ input: i })), { output: 0 }, { output: 1 }, ...words],
      groups: kernel.groups,
    };
    if (!kernel.joined) return [attend];
    return [joinLaunch(wordInputs(sizes, attrs), { first, joined: 2, target }), attend];
  },
  wasm: ({ inputs }, attrs: AttentionAttrs, target) =>
    attentionForwardKernel({ ...partsOf(inputs, attrs), attrs }, target),
  reference({ inputs, outputs }, attrs: AttentionAttrs) {
    const { bases, extra } = partsOf(inputs, attrs);
    const [y, lse, joined] = outputs as [View, View, View | undefined];
    attendReference({ bases, extra, y, lse }, attrs);
    if (joined !== undefined) joinWords(extra, joined);
  },
  cost(io, attrs: AttentionAttrs) {
    return attentionCost(partsOf(io.inputs, attrs).sizes, io, { passes: 1, attrs });
  },
  vjp,
  cases: attentionForwardCases(),
};
