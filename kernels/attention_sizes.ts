/**
 * What causal attention is called with: settings, sizes, results and cost. It knows no kernel.
 * B batch, T time, H heads, D width of the model, d = D / H width of a head; qkv [B, T, 3D] holds
 * queries, keys and values one behind the other along its last axis.
 */
import { showShape, sizeOf } from "../src/base/shape.ts";
import type { Cost, Io, Spec } from "../src/graph/types.ts";

/** `dropout`: probabilities are kept with probability `keep`, by the mask of `site`. */
export interface AttentionAttrs {
  readonly heads: number;
  readonly dropout?: { readonly site: number; readonly keep: number };
}

/** Sizes that qkv and the number of heads give. */
export interface AttentionSizes {
  readonly batch: number;
  readonly time: number;
  readonly heads: number;
  /** d, the width of one head. */
  readonly width: number;
}

/** Sizes of a call. @throws {RangeError} when qkv does not split into heads, or the key is off. */
export function attentionSizes(
  qkv: Spec | undefined,
  key: Spec | undefined,
  { heads, dropout }: AttentionAttrs,
): AttentionSizes {
  const [batch, time, packed] = qkv?.shape ?? [];
  if (batch === undefined || time === undefined || packed === undefined || qkv?.dtype !== "f32") {
    throw new RangeError(
      `Cannot attend: qkv must be f32 [B, T, 3D]: ${qkv?.dtype} ${showShape(qkv?.shape ?? [])}`,
    );
  }
  if (!Number.isInteger(heads) || heads < 1 || packed % (3 * heads) !== 0) {
    throw new RangeError(
      `Cannot attend with ${heads} heads: the last axis of qkv must be a multiple of 3 x heads: ` +
        showShape(qkv.shape),
    );
  }
  const fits = dropout === undefined
    ? key === undefined
    : key?.dtype === "u32" && showShape(key.shape) === "[2]";
  if (!fits) {
    throw new RangeError(
      `Cannot attend ${dropout ? "with" : "without"} dropout: its key must be ` +
        `${dropout ? "u32 [2]" : "left out"}: ${key?.dtype} ${showShape(key?.shape ?? [])}`,
    );
  }
  return { batch, time, heads, width: packed / (3 * heads) };
}

/** Specs of y [B, T, D] and of lse [B, H, T]. */
export function attentionSpecs({ batch, time, heads, width }: AttentionSizes): [Spec, Spec] {
  return [
    { shape: [batch, time, heads * width], dtype: "f32" },
    { shape: [batch, heads, time], dtype: "f32" },
  ];
}

/** Cost of a pass that does `passes` times the two products of the forward pass. */
export function attentionCost(
  { batch, time, heads, width }: AttentionSizes,
  { inputs, outputs }: Io<Spec>,
  { passes }: { passes: number },
): Cost {
  const bytes = [...inputs, ...outputs].reduce((sum, s) => sum + 4 * sizeOf(s.shape), 0);
  const flops = passes * 2 * batch * heads * time * time * width;
  return { flops, bytes, terms: time + width + 64 };
}

/** What a kernel is printed for. */
export interface AttentionKernel extends AttentionSizes {
  readonly dropout?: AttentionAttrs["dropout"];
  /** Tokens that one invocation owns, at most 32. */
  readonly rows: number;
  /** Invocations in a workgroup, and the workgroups of the launch. */
  readonly group: number;
  readonly groups: readonly [number, number, number];
  /** Neighbouring invocations take the same tokens of other heads, not other tokens of one head. */
  readonly headsFirst: boolean;
}
