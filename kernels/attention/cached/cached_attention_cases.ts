/** Cases of attention to cached keys and values. */
import type { Case, Spec, View } from "../../../src/graph/types.ts";
import { alibiSlopes } from "../alibi.ts";
import type { HeadColumns } from "../heads.ts";
import type { CachedAttrs } from "./cached_attention_sizes.ts";

/** B, n, H, width of a head, C, and the position of the first new token. */
type Sizes = readonly [number, number, number, number, number, number];

/** What differs from causal attention with as many heads of keys and values as of queries. */
interface CaseOptions {
  /** Heads of keys and values. */
  readonly shared?: number;
  /** Width of a value. */
  readonly valueWidth?: number;
  /** Columns before and behind the heads in each tensor. */
  readonly margin?: readonly [before: number, behind: number];
  /** Keys per row, in place of positions; null: no mask. */
  readonly lengths?: readonly number[] | null;
  readonly divisor?: number;
  readonly window?: number;
  readonly alibi?: boolean;
}

/** Cases of the op. */
export function cachedCases(): Case[] {
  return [
    // Positions at the start, in the middle and at the end of the cache.
    ...[0, 1, 62, 63, 64].map((place) => cachedAttentionCase("tile", [2, 1, 4, 4, 65, place])),
    ...[7, 8, 9].map((n) => cachedAttentionCase("tile", [3, n, 2, 8, 64, 64 - n])),
    cachedAttentionCase("tile", [1, 64, 4, 16, 64, 0]),
    cachedAttentionCase("tile", [1, 1, 1, 1, 1, 0]),
    // Heads between other columns; values of another width than keys.
    cachedAttentionCase("tile", [2, 3, 4, 4, 9, 5], { margin: [4, 8] }),
    cachedAttentionCase("tile", [2, 3, 4, 4, 9, 5], { margin: [1, 2] }),
    cachedAttentionCase("tile", [2, 3, 4, 8, 9, 5], { valueWidth: 4 }),
    cachedAttentionCase("ragged", [2, 3, 4, 8, 9, 5], { valueWidth: 3, margin: [3, 0] }),
    // Grouped and multi-query heads.
    ...[1, 2, 4].map((shared) => cachedAttentionCase("tile", [2, 5, 8, 4, 17, 9], { shared })),
    cachedAttentionCase("ragged", [2, 3, 6, 5, 11, 8], { shared: 3, margin: [2, 1] }),
    // Windows: the own position alone, inside the cache, larger than it.
    ...[1, 7, 8, 9, 100].map((window) =>
      cachedAttentionCase("tile", [2, 9, 2, 4, 65, 56], { window })
    ),
    cachedAttentionCase("ragged", [1, 19, 2, 6, 19, 0], { window: 4 }),
    // ALiBi.
    ...[1, 3, 8, 12].map((h) => cachedAttentionCase("tile", [2, 3, h, 4, 33, 30], { alibi: true })),
    cachedAttentionCase("ragged", [2, 5, 6, 6, 11, 5], {
      alibi: true,
      window: 6,
      shared: 2,
      divisor: 0.9,
    }),
    // Fixed keys: all of them, and rows of different lengths, one of which is empty.
    cachedAttentionCase("tile", [2, 3, 4, 4, 9, 0], { lengths: null }),
    ...[[9, 1, 8], [0, 4, 5]].map((lengths) =>
      cachedAttentionCase("tile", [3, 2, 4, 4, 9, 0], { lengths, shared: 2 })
    ),
    cachedAttentionCase("ragged", [3, 1, 2, 6, 67, 0], { lengths: [66, 0, 67] }),
    cachedAttentionCase("ragged", [1, 4, 3, 3, 5, 0], { lengths: null, divisor: 2.5 }),
    // Head widths that are no multiple of 4.
    cachedAttentionCase("ragged", [3, 5, 2, 6, 19, 7]),
    cachedAttentionCase("ragged", [2, 4, 3, 3, 10, 0]),
    cachedAttentionCase("ragged", [1, 1, 2, 38, 129, 100]),
    cachedAttentionCase("ragged", [2, 3, 3, 6, 11, 5], { divisor: 0.9 }),
    cachedAttentionCase("bench", [1, 1, 4, 32, 256, 255]),
    cachedAttentionCase("bench", [1, 64, 4, 32, 256, 192]),
    cachedAttentionCase("bench", [8, 1, 12, 64, 256, 255], { shared: 3 }),
    // Longest for the naive twin: lavapipe exits a shader's loops after 65,535 iterations in total.
    cachedAttentionCase("bench", [8, 1, 12, 64, 256, 255]),
  ];
}

/** A case: queries are the last `n` positions unless `lengths` are given. */
export function cachedAttentionCase(
  kind: Case["kind"],
  [b, n, h, d, capacity, first]: Sizes,
  { shared = h, valueWidth = d, margin = [0, 0], lengths, alibi, ...own }: CaseOptions = {},
): Case {
  const view = (heads: number, width: number): HeadColumns => ({ first: margin[0], heads, width });
  const [q, k, v] = [view(h, d), view(shared, d), view(shared, valueWidth)];
  const rows = ({ heads, width }: HeadColumns, tokens: number): Spec => ({
    shape: [b, tokens, margin[0] + heads * width + margin[1]],
    dtype: "f32",
  });
  const places = Array.from({ length: n }, (_, i) => first + i);
  const words = lengths === undefined ? places : lengths;
  const attrs: CachedAttrs = {
    q,
    k,
    v,
    ...words !== null && { mask: lengths === undefined ? "places" : "lengths" },
    ...alibi === true && { alibi: alibiSlopes(h) },
    ...own,
  };
  const mask: Spec[] = words === null ? [] : [{ shape: [words.length], dtype: "u32" }];
  return {
    kind,
    inputs: [rows(q, n), rows(k, capacity), rows(v, capacity), ...mask],
    attrs,
    range: { 0: [-2, 2], 1: [-2, 2] },
    fill: ([, , , view]: readonly View[]) => view?.data.set(Uint32Array.from(words ?? [])),
  };
}
