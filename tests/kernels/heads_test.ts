/** Views of heads, and the slopes of ALiBi. */
import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { alibiSlopes } from "../../kernels/attention/alibi.ts";
import { headsOf, packedHeads } from "../../kernels/attention/heads.ts";
import { newTrace } from "../../src/graph/trace.ts";

function sourceOf(...shape: number[]) {
  return newTrace().source({ shape, dtype: "f32" }, "batch", "x");
}

Deno.test("packed queries, keys and values are views of one tensor", () => {
  const qkv = sourceOf(2, 3, 36);
  const { q, k, v } = packedHeads(qkv, 4);
  assertEquals([q, k, v].map(({ first, heads, width }) => [first, heads, width]), [
    [0, 4, 3],
    [12, 4, 3],
    [24, 4, 3],
  ]);
  assert([q, k, v].every(({ of }) => of === qkv));
});

Deno.test("heads share the columns from the first one on, unless their width is given", () => {
  const x = sourceOf(2, 3, 20);
  assertEquals(headsOf(x, { heads: 5 }).width, 4);
  assertEquals(headsOf(x, { heads: 2, first: 8 }).width, 6);
  assertEquals(headsOf(x, { heads: 2, first: 8, width: 3 }), {
    of: x,
    first: 8,
    heads: 2,
    width: 3,
  });
});

Deno.test("heads beyond the columns, fractions of columns and other shapes are refused", () => {
  const x = sourceOf(2, 3, 20);
  for (
    const options of [
      { heads: 3 },
      { heads: 0 },
      { heads: 2, first: 1 },
      { heads: 2, first: -2 },
      { heads: 2, first: 8, width: 7 },
      { heads: 1, first: 20 },
    ]
  ) assertThrows(() => headsOf(x, options), RangeError, "exceed 20 columns");
  assertThrows(() => headsOf(sourceOf(2, 20), { heads: 2 }), RangeError, "f32 [B, n, W]: f32 [2");
  const ids = newTrace().source({ shape: [2, 3, 4], dtype: "u32" }, "batch", "ids");
  assertThrows(() => headsOf(ids, { heads: 2 }), RangeError, "u32 [2, 3, 4]");
  for (const heads of [0, 3, 1.5]) {
    assertThrows(() => packedHeads(x, heads), RangeError, "a multiple of 3 x heads: [2, 3, 20]");
  }
});

Deno.test("ALiBi's slopes are the powers of 2^(-8 / heads), interleaved between powers of two", () => {
  assertEquals(alibiSlopes(8), [1, 2, 3, 4, 5, 6, 7, 8].map((power) => 2 ** -power));
  assertEquals(alibiSlopes(1), [2 ** -8]);
  const twelve = alibiSlopes(12);
  assertEquals(twelve.slice(0, 8), alibiSlopes(8));
  // Every second slope of 16 heads.
  [0.5, 1.5, 2.5, 3.5].forEach((power, i) => {
    assertAlmostEquals(twelve[8 + i] as number, 2 ** -power, 1e-15);
  });
  assertThrows(() => alibiSlopes(0), RangeError, "a positive number of heads: 0");
});
