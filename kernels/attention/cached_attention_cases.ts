/** Cases of attention with a KV cache. */
import type { Case, View } from "../../src/graph/types.ts";

/** B, n, H, width of a head, C, and the position of the first new token. */
type Sizes = readonly [number, number, number, number, number, number];

/** Cases of the op. */
export function cachedCases(): Case[] {
  return [
    // Positions at the start, in the middle and at the end of the cache.
    ...[0, 1, 62, 63, 64].map((place) => cachedCase("tile", [2, 1, 4, 4, 65, place])),
    ...[7, 8, 9].map((n) => cachedCase("tile", [3, n, 2, 8, 64, 64 - n])),
    cachedCase("tile", [1, 64, 4, 16, 64, 0]),
    cachedCase("tile", [1, 1, 1, 1, 1, 0]),
    // Head widths that are no multiple of 4.
    cachedCase("ragged", [3, 5, 2, 6, 19, 7]),
    cachedCase("ragged", [2, 4, 3, 3, 10, 0]),
    cachedCase("ragged", [1, 1, 2, 38, 129, 100]),
    cachedCase("ragged", [2, 3, 3, 6, 11, 5], { divisor: 0.9 }),
    cachedCase("bench", [1, 1, 4, 32, 256, 255]),
    cachedCase("bench", [1, 64, 4, 32, 256, 192]),
    // Longest for the naive twin: lavapipe exits a shader's loops after 65,535 iterations in total.
    cachedCase("bench", [8, 1, 12, 64, 256, 255]),
  ];
}

function cachedCase(
  kind: Case["kind"],
  [b, n, h, d, capacity, first]: Sizes,
  attrs: { divisor?: number } = {},
): Case {
  return {
    kind,
    inputs: [
      { shape: [b, n, 3 * h * d], dtype: "f32" },
      { shape: [b, capacity, 3 * h * d], dtype: "f32" },
      { shape: [n], dtype: "u32" },
    ],
    attrs: { heads: h, ...attrs },
    range: { 0: [-2, 2], 1: [-2, 2] },
    fill: ([, , places]: readonly View[]) =>
      places?.data.set(Uint32Array.from({ length: n }, (_, i) => first + i)),
  };
}
