/**
 * Attention layers with their projections. B batch, T tokens, D width, H query heads, Hkv heads of
 * keys and values, d width of a head.
 */
import { headsOf } from "../../kernels/attention/mod.ts";
import type { Tensor } from "../graph/types.ts";
import { attend, crossAttend } from "./attention.ts";
import type { AttendOptions, PackedAttendOptions } from "./attention.ts";
import { linear } from "./layers.ts";
import type { Scope } from "./scope.ts";

/** Options of a projection, as of {@linkcode linear}. */
export interface Projection {
  /** Whether it adds a bias; default: true. */
  readonly bias?: boolean;
  /** Factor of the standard deviation of its initial weights. */
  readonly scale?: number;
  /** Factor of the learning rate of its weights. */
  readonly lrScale?: number;
}

/** Sizes and projections of an attention layer. */
export interface ProjectedAttention {
  /** H */
  readonly heads: number;
  /** Hkv, a divisor of H; default: H. */
  readonly kvHeads?: number | undefined;
  /** d; default: D / H. */
  readonly headWidth?: number | undefined;
  /** The projections to queries, keys and values. */
  readonly into?: Projection;
  /** The projection back to D. */
  readonly back?: Projection;
}

/** Sizes of a layer for inputs of width `model`. */
function sizesOf(model: number, { heads, kvHeads = heads, headWidth }: ProjectedAttention) {
  const width = headWidth ?? model / heads;
  if (Number.isInteger(width) && width >= 1) return { heads, kvHeads, width };
  throw new RangeError(`Cannot attend with ${heads} heads: ${model} is no multiple of them`);
}

/**
 * Self-attention of x [B, T, D]: [B, T, D], with parameters `qkv` (one packed projection) and `out`.
 * Causal unless `causal` is false.
 * @throws {RangeError} when D is no multiple of the heads, or as {@linkcode attend} does.
 */
export function selfAttention(
  scope: Scope,
  x: Tensor,
  options: ProjectedAttention & PackedAttendOptions,
): Tensor {
  const { headWidth: _, into, back, ...attended } = options;
  const model = x.shape.at(-1) as number;
  const { heads, kvHeads, width } = sizesOf(model, options);
  const parts = [heads * width, kvHeads * width, kvHeads * width];
  const qkv = linear(scope.in("qkv"), x, {
    ...into,
    width: (heads + 2 * kvHeads) * width,
    parts,
  });
  const y = attend(scope, qkv, attended);
  return linear(scope.in("out"), y, { ...back, width: model });
}

/**
 * Attention of x [B, Tq, D] to a memory [B, Tk, M], such as an encoder's output: [B, Tq, D], with
 * parameters `q`, `kv` (one packed projection) and `out`. `lengths` u32 [B]: tokens of each memory.
 * @throws {RangeError} when D is no multiple of the heads, or as {@linkcode crossAttend} does.
 */
export function crossAttention(
  scope: Scope,
  x: Tensor,
  memory: Tensor,
  options: ProjectedAttention & AttendOptions & { readonly lengths?: Tensor | undefined },
): Tensor {
  const { into, back, dropout, divisor, lengths } = options;
  const model = x.shape.at(-1) as number;
  const { heads, kvHeads, width } = sizesOf(model, options);
  const query = linear(scope.in("q"), x, { ...into, width: heads * width });
  const shared = kvHeads * width;
  const pair = linear(scope.in("kv"), memory, {
    ...into,
    width: 2 * shared,
    parts: [shared, shared],
  });
  const y = crossAttend(scope, {
    q: headsOf(query, { heads, width }),
    k: headsOf(pair, { heads: kvHeads, width }),
    v: headsOf(pair, { heads: kvHeads, first: kvHeads * width, width }),
  }, { dropout, divisor, lengths });
  return linear(scope.in("out"), y, { ...back, width: model });
}
