/**
 * Attention as layers of a model: self-attention, which caches keys and values when it decodes, and
 * cross attention. B batch, T tokens, H query heads, Hkv heads of keys and values, d width of a
 * head, Dv width of a value.
 */
import type { AttentionMask, Heads, HeadTriple } from "../../kernels/attention/mod.ts";
import { attention, cachedAttention, headsOf, packedHeads } from "../../kernels/attention/mod.ts";
import { reshape, sliceLast } from "../../kernels/shape/mod.ts";
import type { Tensor } from "../graph/types.ts";
import { attendCached } from "./cached_attention.ts";
import { rmsNorm } from "./mlp.ts";
import type { Rotation } from "./positions.ts";
import type { Scope } from "./scope.ts";

/** Options of attention. */
export interface AttendOptions {
  /** Probability to drop an attention probability in training; default: 0. */
  readonly dropout?: number | undefined;
  /** Divisor of the scores; default: sqrt(d). */
  readonly divisor?: number | undefined;
}

/** Options of self-attention: what a token attends to, and biases of the scores. */
export interface SelfAttendOptions extends AttendOptions, Omit<AttentionMask, "causal"> {
  /** Whether a token attends to itself and those before it only; default: true. */
  readonly causal?: boolean | undefined;
  /** Slopes of ALiBi, one per query head: alibiSlopes(). */
  readonly alibi?: readonly number[] | undefined;
}

/** Options of self-attention over a packed projection. */
export interface PackedAttendOptions extends SelfAttendOptions {
  /** H */
  readonly heads: number;
  /** Hkv, a divisor of H; default: H. */
  readonly kvHeads?: number | undefined;
  /** Rotates queries and keys by their positions: rotaryPositions(). */
  readonly rotate?: Rotation | undefined;
  /**
   * Normalises each head of queries and keys, before it is rotated, with gains `q_norm.weight` and
   * `k_norm.weight` [d] (Henry et al. 2020, with RMS norms).
   */
  readonly norm?: { readonly eps: number } | undefined;
}

/**
 * Self-attention of packed queries, keys and values: [B, T, (H + 2 Hkv) d] to [B, T, H d]. When
 * decoding, qkv holds new tokens only, and a cache the keys and values of those before.
 * @throws {RangeError} when the columns are no multiple of H + 2 Hkv, or a mask does not fit.
 */
export function attend(
  scope: Scope,
  qkv: Tensor,
  { heads, kvHeads = heads, rotate, norm, ...options }: PackedAttendOptions,
): Tensor {
  const packed = packedHeads(qkv, heads, { kvHeads });
  const { width } = packed.q;
  if (norm !== undefined) {
    return selfAttend(scope, normalisedHeads(scope, packed, { ...norm, rotate }), options);
  }
  const turned = rotate?.(headsOf(qkv, { heads: heads + kvHeads, width })) ?? qkv;
  return selfAttend(scope, packedHeads(turned, heads, { kvHeads }), options);
}

/** Queries and keys normalised and rotated, and values, in tensors of their own. */
function normalisedHeads(
  scope: Scope,
  { q, k, v }: HeadTriple,
  { eps, rotate = ({ of }) => of }: {
    readonly eps: number;
    readonly rotate?: Rotation | undefined;
  },
): HeadTriple {
  const alone = ({ of, first, heads, width }: Heads) =>
    sliceLast(of, { first, count: heads * width });
  const turned = (x: Heads, name: string): Heads => {
    const { heads, width } = x;
    const columns = alone(x);
    const rows = reshape(columns, [...columns.shape.slice(0, -1), heads, width]);
    const normalised = reshape(rmsNorm(scope.in(name), rows, { eps }), columns.shape);
    return headsOf(rotate(headsOf(normalised, { heads, width })), { heads, width });
  };
  const { heads, width } = v;
  return { q: turned(q, "q_norm"), k: turned(k, "k_norm"), v: headsOf(alone(v), { heads, width }) };
}

/**
 * Self-attention of q, k and v [B, T, ...], views of heads: [B, T, H Dv]. When decoding, they are
 * those of new tokens, and a cache of the scope holds the keys and values of those before.
 * @throws {RangeError} when heads or a mask do not fit, or decoding cannot have the mask.
 */
export function selfAttend(
  scope: Scope,
  views: HeadTriple,
  { dropout, divisor, alibi, causal = true, window, ...masks }: SelfAttendOptions = {},
): Tensor {
  if (scope.decode === undefined) {
    const mask = { causal, window, ...masks };
    return attention(views, { ...dropoutOf(scope, dropout), mask, divisor, alibi });
  }
  const given = Object.entries(masks).filter(([, tensor]) => tensor !== undefined);
  if (!causal || given.length > 0) {
    const names = [...causal ? [] : ["causal: false"], ...given.map(([name]) => name)];
    throw new RangeError(
      `Cannot decode: needs attention with a causal mask: got ${names.join(", ")}`,
    );
  }
  return attendCached(scope, views, { divisor, window, alibi });
}

/**
 * Attention of queries [B, Tq, H d] to the keys and values of another sequence [B, Tk, ...]: [B, Tq,
 * H Dv]. `lengths` u32 [B]: row b attends to its first lengths[b] keys, none gives zeros. When
 * decoding, queries are those of new tokens, and keys and values those of the whole other sequence.
 * @throws {RangeError} when heads or lengths do not fit.
 */
export function crossAttend(
  scope: Scope,
  { q, k, v }: HeadTriple,
  { dropout, divisor, lengths }: AttendOptions & { readonly lengths?: Tensor | undefined } = {},
): Tensor {
  if (scope.decode !== undefined) return cachedAttention(q, { k, v, lengths, divisor });
  return attention({ q, k, v }, { ...dropoutOf(scope, dropout), mask: { lengths }, divisor });
}

function dropoutOf(scope: Scope, p = 0) {
  return scope.training && p > 0 ? { dropout: { p, ...scope.random() } } : {};
}
