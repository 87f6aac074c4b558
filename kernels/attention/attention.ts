/**
 * Causal multi-head self-attention of packed queries, keys and values, with online softmax: no T x
 * T matrix is stored. Optionally masked to the token's document. Source: Dao, Fu, Ermon, Rudra, Ré,
 * "FlashAttention" (2022), algorithm 1; the packing is nanoGPT's.
 */
import { apply } from "../../src/graph/trace.ts";
import type { Grad, Io, Op, Tensor, View } from "../../src/graph/types.ts";
import { attentionBackwardOp } from "./attention_backward.ts";
import { attentionForwardCases } from "./attention_cases.ts";
import { attendReference } from "./attention_reference.ts";
import type { AttentionAttrs } from "./attention_sizes.ts";
import { attentionCost, attentionSizes, attentionSpecs, divisorAttrs } from "./attention_sizes.ts";
import { attentionKernel } from "./attention_tile.ts";
import { printForward } from "./attention_wgsl.ts";

/**
 * Dropout of attention probabilities with probability `p`, by the random mask of `key` and `site`.
 */
export interface AttentionDropout {
  readonly p: number;
  readonly site: number;
  /** u32 [2] */
  readonly key: Tensor;
}

/** Options of {@linkcode attention}. */
export interface AttentionOptions {
  readonly dropout?: AttentionDropout | undefined;
  /**
   * u32 [B, T]: token i of row b attends to tokens `starts[b, i]` to i only (document masking). The
   * caller must ensure that `starts[b, i]` is at most i.
   */
  readonly starts?: Tensor | undefined;
  /** Divisor of the scores; default: sqrt(d), d the width of a head. */
  readonly divisor?: number | undefined;
}

/**
 * Causal attention of qkv f32 [B, T, 3D] in `heads` heads: y f32 [B, T, D].
 * @throws {RangeError} when D is no multiple of `heads`, p is not in [0, 1), or the divisor is not
 * above 0.
 */
export function attention(
  qkv: Tensor,
  heads: number,
  { dropout, starts, divisor }: AttentionOptions = {},
): Tensor {
  const documents = starts === undefined ? {} : { documents: true };
  const common = { heads, ...divisorAttrs(divisor), ...documents };
  const last = starts === undefined ? [] : [starts];
  if (dropout === undefined || dropout.p === 0) {
    return apply(attentionOp, [qkv, ...last], common);
  }
  const { p, site, key } = dropout;
  if (!(p > 0 && p < 1)) {
    throw new RangeError(`Cannot drop attention: p must be in [0, 1): ${p}`);
  }
  const attrs = { ...common, dropout: { site, keep: 1 - p } };
  return apply(attentionOp, [qkv, key, ...last], attrs);
}

function vjp(
  { inputs, outputs }: Io<Tensor>,
  dout: readonly Grad[],
  attrs: AttentionAttrs,
): Grad[] {
  const [qkv, ...extra] = inputs as [Tensor, ...Tensor[]];
  const [y, lse] = outputs as [Tensor, Tensor];
  const [dy, dlse] = dout;
  if (dlse !== undefined) {
    throw new RangeError("Cannot differentiate attention: only y has a gradient, not lse");
  }
  if (dy === undefined) return inputs.map(() => undefined);
  const dqkv = apply(attentionBackwardOp, [qkv, y, lse, dy, ...extra], attrs);
  return [dqkv, ...extra.map(() => undefined)];
}

/** The op behind {@linkcode attention}: qkv, key?, starts? give y and lse [B, H, T]. */
export const attentionOp: Op = {
  name: "attention",
  shape: ([qkv, ...extra], attrs: AttentionAttrs) =>
    attentionSpecs(attentionSizes(qkv, extra, attrs)),
  launch({ inputs: [qkv, ...extra] }, attrs: AttentionAttrs, target) {
    const sizes = attentionSizes(qkv, extra, attrs);
    const kernel = attentionKernel(sizes, attrs, { target, sets: 2 });
    const last = extra.map((_, i) => ({ input: 1 + i }));
    return [{
      wgsl: printForward(kernel),
      bindings: [{ input: 0 }, { output: 0 }, { output: 1 }, ...last],
      groups: kernel.groups,
    }];
  },
  reference({ inputs, outputs }, attrs: AttentionAttrs) {
    const [qkv, ...extra] = inputs as [View, ...View[]];
    const [y, lse] = outputs as [View, View];
    attendReference({ qkv, extra, y, lse }, attrs);
  },
  cost(io, attrs: AttentionAttrs) {
    return attentionCost(attentionSizes(io.inputs[0], io.inputs.slice(1), attrs), io, {
      passes: 1,
    });
  },
  vjp,
  cases: attentionForwardCases(),
};
