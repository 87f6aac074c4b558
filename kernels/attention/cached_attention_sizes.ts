/** Attributes, sizes and output specs of attention with a KV cache. */
import { sameShape, showShape } from "../../src/base/shape.ts";
import type { Spec } from "../../src/graph/types.ts";
import { divisorOf } from "./attention_sizes.ts";

/** Attributes of the op. */
export interface CachedAttrs {
  readonly heads: number;
  /** Divisor of the scores; default: sqrt(d). */
  readonly divisor?: number;
}

/** Sizes of a call. */
export interface CachedSizes {
  /** B */
  readonly batch: number;
  /** n: new tokens per row. */
  readonly count: number;
  readonly heads: number;
  /** Width of one head. */
  readonly width: number;
  /** C: capacity of the cache in tokens. */
  readonly capacity: number;
  /** Divisor of the scores. */
  readonly divisor: number;
}

/**
 * Sizes of a call. @throws {RangeError} when D is no multiple of `heads`, or a shape does not fit.
 */
export function cachedSizes(
  [qkv, cache, places]: readonly Spec[],
  attrs: CachedAttrs,
): CachedSizes {
  const { heads } = attrs;
  const [batch = 0, count = 0, packed = 0] = qkv?.shape ?? [];
  const capacity = cache?.shape[1] ?? 0;
  if (qkv?.shape.length !== 3 || qkv.dtype !== "f32" || batch * count * packed === 0) {
    throw new RangeError(
      `Cannot attend with a cache: qkv must be f32 [B, n, 3D]: ${qkv?.dtype} ` +
        showShape(qkv?.shape ?? []),
    );
  }
  if (!Number.isInteger(heads) || heads < 1 || packed % (3 * heads) !== 0) {
    throw new RangeError(
      `Cannot attend with a cache and ${heads} heads: the last axis of qkv must be a multiple of ` +
        `3 x heads: ${showShape(qkv.shape)}`,
    );
  }
  if (!sameShape(cache?.shape ?? [], [batch, capacity, packed]) || capacity < count) {
    throw new RangeError(
      `Cannot attend with a cache ${
        showShape(cache?.shape ?? [])
      }: needs [${batch}, C, ${packed}]` +
        ` with C, the room for tokens, at least ${count}`,
    );
  }
  if (places?.dtype !== "u32" || !sameShape(places.shape, [count])) {
    throw new RangeError(
      `Cannot attend with a cache: places must be u32 [${count}]: ${places?.dtype} ` +
        showShape(places?.shape ?? []),
    );
  }
  const width = packed / (3 * heads);
  return { batch, count, heads, width, capacity, divisor: divisorOf(width, attrs) };
}

/** Specs of y [B, n, D], of the cache [B, C, 3D], and of probabilities [B, H, n, C]. */
export function cachedSpecs({ batch, count, heads, width, capacity }: CachedSizes): Spec[] {
  const f32 = (...shape: number[]): Spec => ({ shape, dtype: "f32" });
  return [
    f32(batch, count, heads * width),
    f32(batch, capacity, 3 * heads * width),
    f32(batch, heads, count, capacity),
  ];
}
