/**
 * Attributes, sizes, output specs and cost of causal attention.
 * B batch, T time, H heads, D width of the model, d = D / H width of a head; qkv [B, T, 3D] holds
 * queries, keys and values, concatenated along its last axis.
 */
import { sameShape, showShape, sizeOf } from "../../src/base/shape.ts";
import type { Cost, Io, Spec } from "../../src/graph/types.ts";

/**
 * `divisor` of the scores, default sqrt(d). `dropout`: probabilities are kept with probability
 * `keep`, by the random mask of `site`. `documents`: each token attends from its own start on.
 */
export interface AttentionAttrs {
  readonly heads: number;
  readonly divisor?: number;
  readonly dropout?: { readonly site: number; readonly keep: number };
  readonly documents?: true;
}

/** The optional inputs, which come in this order after all others. */
export interface Extras<T> {
  /** u32 [2]: random key of dropout. */
  readonly key: T | undefined;
  /** u32 [B, T]: first token that each token attends to, at most its own index. */
  readonly starts: T | undefined;
}

/** The optional inputs by name. */
export function extrasOf<T>(
  extra: readonly T[],
  { dropout, documents }: AttentionAttrs,
): Extras<T> {
  const at = dropout === undefined ? 0 : 1;
  return {
    key: dropout === undefined ? undefined : extra[0],
    starts: documents === undefined ? undefined : extra[at],
  };
}

/** Sizes of a call. */
export interface AttentionSizes {
  readonly batch: number;
  readonly time: number;
  readonly heads: number;
  /** d, the width of one head. */
  readonly width: number;
}

/**
 * Sizes of a call; `extra` are the optional inputs.
 * @throws {RangeError} when D is no multiple of `heads`, or an optional input has a wrong spec.
 */
export function attentionSizes(
  qkv: Spec | undefined,
  extra: readonly Spec[],
  attrs: AttentionAttrs,
): AttentionSizes {
  const { heads, dropout, documents } = attrs;
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
  const { key, starts } = extrasOf(extra, attrs);
  if (dropout !== undefined) requireWords("with dropout: its key", key, [2]);
  if (documents !== undefined) {
    requireWords("inside documents: their starts", starts, [batch, time]);
  }
  const wanted = [key, starts].filter((spec) => spec !== undefined).length;
  if (extra.length > wanted) {
    throw new RangeError(
      `Cannot attend: needs ${wanted} more inputs behind qkv (a key for dropout, starts for ` +
        `documents): ${extra.length}`,
    );
  }
  return { batch, time, heads, width: packed / (3 * heads) };
}

function requireWords(what: string, spec: Spec | undefined, shape: readonly number[]): void {
  if (spec?.dtype === "u32" && sameShape(spec.shape, shape)) return;
  throw new RangeError(
    `Cannot attend ${what} must be u32 ${showShape(shape)}: ${spec?.dtype} ` +
      showShape(spec?.shape ?? []),
  );
}

/** Divisor of the scores; default: sqrt(d) (Vaswani et al. 2017, section 3.2.1). */
export function divisorOf(width: number, { divisor }: { readonly divisor?: number }): number {
  return divisor ?? Math.sqrt(width);
}

/** Attributes of a divisor. @throws {RangeError} unless it is above 0 and finite. */
export function divisorAttrs(divisor: number | undefined): { readonly divisor?: number } {
  if (divisor === undefined) return {};
  if (divisor > 0 && divisor < Infinity) return { divisor };
  throw new RangeError(`Cannot attend: the divisor of scores must be above 0: ${divisor}`);
}

/** Specs of y [B, T, D] and of lse [B, H, T]. */
export function attentionSpecs({ batch, time, heads, width }: AttentionSizes): [Spec, Spec] {
  return [
    { shape: [batch, time, heads * width], dtype: "f32" },
    { shape: [batch, heads, time], dtype: "f32" },
  ];
}

/** Cost of a call with `passes` times the two products of the forward pass. */
export function attentionCost(
  { batch, time, heads, width }: AttentionSizes,
  { inputs, outputs }: Io<Spec>,
  { passes }: { passes: number },
): Cost {
  const bytes = [...inputs, ...outputs].reduce((sum, s) => sum + 4 * sizeOf(s.shape), 0);
  const flops = passes * 2 * batch * heads * time * time * width;
  return { flops, bytes, terms: time + width + 64 };
}

/** Sizes and tiling of a printed kernel. */
export interface AttentionKernel extends AttentionSizes {
  /** Divisor of the scores. */
  readonly divisor: number;
  readonly dropout?: AttentionAttrs["dropout"];
  readonly documents?: AttentionAttrs["documents"];
  /** Tokens that one invocation owns, at most 32. */
  readonly rows: number;
  /** Invocations per workgroup, and the dispatch size. */
  readonly group: number;
  readonly groups: readonly [number, number, number];
  /**
   * Lanes of a subgroup that own adjacent tokens of one head: each loads one of as many streamed
   * tokens and broadcasts it to the others. The workgroup is then one subgroup.
   */
  readonly lanes?: number;
  /**
   * Adjacent invocations take the same tokens of different heads, not adjacent tokens of a head.
   */
  readonly headsFirst: boolean;
}
