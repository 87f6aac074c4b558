/** Correct predictions: ties, ignored rows, NaN, and the missing gradient. */
import { assertEquals, assertThrows } from "@std/assert";
import { correct, correctOp } from "../../kernels/cross_entropy/mod.ts";
import { IGNORE } from "../../src/base/ignore.ts";
import { gradients } from "../../src/graph/reverse.ts";
import { newTrace } from "../../src/graph/trace.ts";

/** The reference's result for one row. */
function hit(row: readonly number[], label: number): number | undefined {
  const logits = { shape: [1, row.length], dtype: "f32", data: Float32Array.from(row) } as const;
  const targets = { shape: [1], dtype: "u32", data: Uint32Array.of(label) } as const;
  const hits = { shape: [1], dtype: "f32", data: Float32Array.of(7) } as const;
  correctOp.reference({ inputs: [logits, targets], outputs: [hits] }, {});
  return hits.data[0];
}

Deno.test("correct is 1 where the largest logit is the target's", () => {
  assertEquals([0, 1, 2].map((label) => hit([-3, 2, 1], label)), [0, 1, 0]);
  assertEquals(hit([-5], 0), 1);
});

Deno.test("correct takes the first of equal logits", () => {
  assertEquals([0, 1, 2, 3].map((label) => hit([1, 4, 4, 4], label)), [0, 1, 0, 0]);
  assertEquals([0, 1].map((label) => hit([-Infinity, -Infinity], label)), [1, 0]);
});

Deno.test("correct is 0 in ignored rows, and in rows with a NaN", () => {
  assertEquals(hit([1, 2], IGNORE), 0);
  assertEquals([0, 1, 2].map((label) => hit([1, NaN, 3], label)), [0, 0, 0]);
  assertEquals(hit([NaN], 0), 0);
});

Deno.test("correct refuses to be differentiated", () => {
  const trace = newTrace();
  const logits = trace.source({ shape: [1, 3], dtype: "f32" }, "batch");
  const hits = correct(logits, trace.source({ shape: [1], dtype: "u32" }, "batch"));
  const seed = trace.constant([1], Float32Array.of(1));
  assertThrows(
    () => gradients(hits, [logits], { seed, add: (a) => a }),
    RangeError,
    "Cannot differentiate correct: it has no vjp",
  );
});
