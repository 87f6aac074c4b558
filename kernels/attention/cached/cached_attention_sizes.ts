/** Attributes, sizes, masks and output specs of attention to cached keys and values. */
import { sameShape, showShape } from "../../../src/base/shape.ts";
import type { Spec } from "../../../src/graph/types.ts";
import { divisorOf } from "../attention_attrs.ts";
import type { HeadColumns } from "../heads.ts";
import { requireHeads } from "../heads.ts";

/** Start of the op's messages. */
const ACTION = "attend to cached keys";

/** Attributes of the op: views of heads in its first three inputs, and what each query sees. */
export interface CachedAttrs {
  readonly q: HeadColumns;
  readonly k: HeadColumns;
  readonly v: HeadColumns;
  /** The fourth input: positions of the new tokens, or numbers of keys; none: all keys. */
  readonly mask?: "places" | "lengths";
  /** Divisor of the scores; default: sqrt(d). */
  readonly divisor?: number;
  /** Most positions that a token attends to, its own included. */
  readonly window?: number;
  /** Slopes of ALiBi, one per query head. */
  readonly alibi?: readonly number[];
}

/** Sizes of a call. */
export interface CachedSizes {
  /** B */
  readonly batch: number;
  /** n: new tokens per row. */
  readonly count: number;
  /** H */
  readonly heads: number;
  /** H / Hkv: query heads that share a head of keys and values. */
  readonly shared: number;
  /** d: width of a query and of a key. */
  readonly width: number;
  /** Width of a value. */
  readonly valueWidth: number;
  /** C: keys per row. */
  readonly capacity: number;
  /** Divisor of the scores. */
  readonly divisor: number;
}

/** Sizes of a call. @throws {RangeError} when heads, shapes or masks do not fit. */
export function cachedSizes(inputs: readonly Spec[], attrs: CachedAttrs): CachedSizes {
  const { q, k, v } = attrs;
  const [queries, keys, values] = inputs;
  requireHeads(ACTION, queries, q);
  requireHeads(ACTION, keys, k);
  requireHeads(ACTION, values, v);
  const [batch = 0, count = 0] = queries?.shape ?? [];
  const capacity = keys?.shape[1] ?? 0;
  for (const [name, spec] of Object.entries({ keys, values })) {
    const shape = spec?.shape ?? [];
    if (sameShape(shape.slice(0, 2), [batch, capacity])) continue;
    throw new RangeError(
      `Cannot ${ACTION}: ${name} must be [${batch}, ${capacity}, W]: ${showShape(shape)}`,
    );
  }
  if (k.heads !== v.heads || q.heads % k.heads !== 0 || q.width !== k.width) {
    throw new RangeError(
      `Cannot ${ACTION}: needs as many heads of keys as of values, a divisor of the query heads, ` +
        `and queries as wide as keys: heads ${q.heads}, ${k.heads}, ${v.heads}, widths ` +
        `${q.width}, ${k.width}`,
    );
  }
  requireMask(inputs.slice(3), attrs, { batch, count });
  return {
    batch,
    count,
    heads: q.heads,
    shared: q.heads / k.heads,
    width: q.width,
    valueWidth: v.width,
    capacity,
    divisor: divisorOf(q.width, attrs),
  };
}

function requireMask(
  given: readonly Spec[],
  { q, mask, window, alibi }: CachedAttrs,
  { batch, count }: { batch: number; count: number },
): void {
  const wanted = mask === undefined ? [] : [mask === "places" ? count : batch];
  const fits = given.length === wanted.length &&
    given.every(({ shape, dtype }) => dtype === "u32" && sameShape(shape, wanted));
  if (!fits) {
    const needs = mask === undefined ? "three inputs without a mask" : `${mask} u32 [${wanted}]`;
    const got = given.map(({ shape, dtype }) => ` ${dtype} ${showShape(shape)}`);
    throw new RangeError(`Cannot ${ACTION}: needs ${needs}: got${got.join(",") || " no mask"}`);
  }
  if ((window !== undefined || alibi !== undefined) && mask !== "places") {
    throw new RangeError(`Cannot ${ACTION}: a window and ALiBi need places: got ${mask ?? "none"}`);
  }
  if (window !== undefined && !(Number.isInteger(window) && window > 0)) {
    throw new RangeError(`Cannot ${ACTION}: the window must be a positive integer: ${window}`);
  }
  if (alibi !== undefined && alibi.length !== q.heads) {
    throw new RangeError(
      `Cannot ${ACTION}: ALiBi needs a slope for each of ${q.heads} heads: ${alibi.length}`,
    );
  }
}

/** Specs of y [B, n, H Dv], Dv the width of a value, and of probabilities [B, H, n, C]. */
export function cachedSpecs(
  { batch, count, heads, valueWidth, capacity }: CachedSizes,
): readonly [Spec, Spec] {
  return [
    { shape: [batch, count, heads * valueWidth], dtype: "f32" },
    { shape: [batch, heads, count, capacity], dtype: "f32" },
  ];
}
