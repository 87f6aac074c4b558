/**
 * What causal attention is called with: settings, sizes, results and cost. It knows no kernel.
 * B batch, T time, H heads, D width of the model, d = D / H width of a head; qkv [B, T, 3D] holds
 * queries, keys and values one behind the other along its last axis.
 */
import { sameShape, showShape, sizeOf } from "../../src/base/shape.ts";
import type { Cost, Io, Spec } from "../../src/graph/types.ts";

/**
 * `divisor`: what scores are divided by, sqrt(d) unless told. `dropout`: probabilities are kept with
 * probability `keep`, by the mask of `site`. `documents`: each token attends from a start of its own
 * on.
 */
export interface AttentionAttrs {
  readonly heads: number;
  readonly divisor?: number;
  readonly dropout?: { readonly site: number; readonly keep: number };
  readonly documents?: true;
}

/** What attention reads besides qkv, as its settings say: in this order, behind all other inputs. */
export interface Extras<T> {
  /** Dropout's key: u32 [2] */
  readonly key: T | undefined;
  /** u32 [B, T]: the first token that each attends to, itself at the latest. */
  readonly starts: T | undefined;
}

/** The inputs behind all others, by their names. */
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

/** Sizes that qkv and the number of heads give. */
export interface AttentionSizes {
  readonly batch: number;
  readonly time: number;
  readonly heads: number;
  /** d, the width of one head. */
  readonly width: number;
}

/**
 * Sizes of a call; `extra` are the inputs behind all others.
 * @throws {RangeError} when qkv does not split into heads, or the key or the starts are off.
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

/** What scores are divided by (Vaswani et al. 2017, section 3.2.1), unless `divisor` says. */
export function divisorOf(width: number, { divisor }: { readonly divisor?: number }): number {
  return divisor ?? Math.sqrt(width);
}

/** Settings of a divisor. @throws {RangeError} unless it is above 0 and finite. */
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
  /** What scores are divided by. */
  readonly divisor: number;
  readonly dropout?: AttentionAttrs["dropout"];
  readonly documents?: AttentionAttrs["documents"];
  /** Tokens that one invocation owns, at most 32. */
  readonly rows: number;
  /** Invocations in a workgroup, and the workgroups of the launch. */
  readonly group: number;
  readonly groups: readonly [number, number, number];
  /**
   * Lanes of a subgroup that own tokens of one head side by side: each loads one of as many met
   * tokens, and gives it to the others. The workgroup is then one subgroup.
   */
  readonly lanes?: number;
  /** Neighbouring invocations take the same tokens of other heads, not other tokens of one head. */
  readonly headsFirst: boolean;
}
