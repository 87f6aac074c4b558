/**
 * Causal self-attention of packed queries, keys and values, with online softmax: no T x T matrix
 * is stored. Source: Dao, Fu, Ermon, Rudra, Ré, "FlashAttention" (2022); the packing is nanoGPT's.
 */
import { apply } from "../src/graph/trace.ts";
import type { Flow, Io, Op, Tensor, View } from "../src/graph/types.ts";
import { attentionBackwardOp } from "./attention_backward.ts";
import { forwardCases } from "./attention_cases.ts";
import { attendReference } from "./attention_reference.ts";
import type { AttentionAttrs } from "./attention_sizes.ts";
import { attentionCost, attentionSizes, attentionSpecs } from "./attention_sizes.ts";
import { attentionKernel } from "./attention_tile.ts";
import { printForward } from "./attention_wgsl.ts";

/** Dropout of probabilities: each is 0 with probability `p`, by the mask of `key` at `site`. */
export interface AttentionDropout {
  readonly p: number;
  readonly site: number;
  /** u32 [2] */
  readonly key: Tensor;
}

/**
 * Attention of qkv [B, T, 3D] in `heads` heads, each position to itself and those before it;
 * gives y [B, T, D]. @throws {RangeError} when D does not split into heads or p is not in [0, 1).
 */
export function attention(
  qkv: Tensor,
  heads: number,
  { dropout }: { dropout?: AttentionDropout } = {},
): Tensor {
  if (dropout === undefined || dropout.p === 0) return apply(attentionOp, [qkv], { heads });
  const { p, site, key } = dropout;
  if (!(p > 0 && p < 1)) {
    throw new RangeError(`Cannot drop attention: p must be in [0, 1): ${p}`);
  }
  return apply(attentionOp, [qkv, key], { heads, dropout: { site, keep: 1 - p } });
}

function vjp(
  { inputs, outputs }: Io<Tensor>,
  dout: readonly Flow[],
  attrs: AttentionAttrs,
): Flow[] {
  const [qkv, ...key] = inputs as [Tensor, ...Tensor[]];
  const [y, lse] = outputs as [Tensor, Tensor];
  const [dy, dlse] = dout;
  if (dlse !== undefined) {
    throw new RangeError("Cannot differentiate attention: only y has a gradient, not lse");
  }
  if (dy === undefined) return inputs.map(() => undefined);
  const dqkv = apply(attentionBackwardOp, [qkv, y, lse, dy, ...key], attrs);
  return [dqkv, ...key.map(() => undefined)];
}

/** The op behind {@linkcode attention}: qkv (and key) give y and lse [B, H, T]. */
export const attentionOp: Op = {
  name: "attention",
  shape: ([qkv, key], attrs: AttentionAttrs) => attentionSpecs(attentionSizes(qkv, key, attrs)),
  launch({ inputs: [qkv, key] }, attrs: AttentionAttrs, target) {
    const sizes = attentionSizes(qkv, key, attrs);
    const kernel = attentionKernel(sizes, attrs, { target, sets: 2 });
    const bindings = [{ input: 0 }, { output: 0 }, { output: 1 }];
    return [{
      wgsl: printForward(kernel),
      bindings: key === undefined ? bindings : [...bindings, { input: 1 }],
      groups: kernel.groups,
    }];
  },
  reference({ inputs, outputs }, attrs: AttentionAttrs) {
    const [qkv, key] = inputs as [View, View | undefined];
    const [y, lse] = outputs as [View, View];
    attendReference({ qkv, key, y, lse }, attrs);
  },
  cost(io, attrs: AttentionAttrs) {
    return attentionCost(attentionSizes(io.inputs[0], io.inputs[1], attrs), io, { passes: 1 });
  },
  vjp,
  cases: forwardCases(),
};
