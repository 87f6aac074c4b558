/** The reference of attention, and the arguments that it rejects. */
import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import {
  attention,
  attentionBackwardOp,
  attentionOp,
  packedHeads,
} from "../../../kernels/attention/mod.ts";
import { rootKey, uniforms } from "../../../src/base/random.ts";
import { sizeOf } from "../../../src/base/shape.ts";
import { newTrace } from "../../../src/graph/trace.ts";
import type { Spec, View } from "../../../src/graph/types.ts";

const KEY: Spec = { shape: [2], dtype: "u32" };
const f32 = (...shape: number[]): Spec => ({ shape, dtype: "f32" });

/** y and lse of one batch of `heads` heads, in f64. */
function run(qkv: readonly number[][], heads: number, keep?: number): [Float64Array, Float64Array] {
  const shape = [1, qkv.length, qkv[0]?.length as number];
  const attrs = { heads, causal: true, ...keep !== undefined && { dropout: { site: 1, keep } } };
  const inputs: View[] = [{ ...f32(...shape), data: Float64Array.from(qkv.flat()) }];
  if (keep !== undefined) inputs.push({ ...KEY, data: Uint32Array.of(3, 4) });
  const outputs = attentionOp.shape(inputs, attrs).map((spec) => ({
    ...spec,
    data: new Float64Array(sizeOf(spec.shape)),
  }));
  attentionOp.reference({ inputs, outputs }, attrs);
  return outputs.map(({ data }) => data) as [Float64Array, Float64Array];
}

/** Rows of T tokens, whose keys are all 0. */
function withoutKeys(time: number, width: number): number[][] {
  const values = uniforms(rootKey(5), time * 2 * width, [-1, 1]);
  return Array.from({ length: time }, (_, t) => {
    const [q, v] = [0, 1].map((part) =>
      Array.from(values.subarray((2 * t + part) * width, (2 * t + part + 1) * width))
    ) as [number[], number[]];
    return [...q, ...v.map(() => 0), ...v];
  });
}

Deno.test("attention of equal keys is the mean of the values so far", () => {
  const qkv = withoutKeys(6, 4);
  const [y, lse] = run(qkv, 2);
  for (let i = 0; i < 6; i++) {
    for (let c = 0; c < 4; c++) {
      const mean = qkv.slice(0, i + 1).reduce((s, row) => s + (row[8 + c] as number), 0) / (i + 1);
      assertAlmostEquals(y[4 * i + c] as number, mean, 1e-12);
    }
    assertAlmostEquals(lse[i] as number, Math.log(i + 1), 1e-12);
  }
});

Deno.test("attention scales scores by the root of the head's width", () => {
  const [y, lse] = run([[1, 1, 1, 1, 3, 0, 0, 0, 1, 1, 1, 1], [
    ...[1, 1, 1, 1],
    ...[1, 0, 0, 0],
    ...[0, 0, 0, 0],
  ]], 1);
  const p = 1 / (1 + Math.exp((1 - 3) / 2));
  assertAlmostEquals(y[4] as number, p, 1e-12);
  assertAlmostEquals(lse[1] as number, Math.log(Math.exp(1.5) + Math.exp(0.5)), 1e-12);
});

Deno.test("attention divides scores by the divisor, and rejects one that is not above 0", () => {
  const trace = newTrace();
  const qkv = trace.source(f32(2, 8, 24), "batch", "qkv");
  attention(packedHeads(qkv, 2), { divisor: 3 });
  assertEquals(trace.calls[0]?.attrs, { heads: 2, divisor: 3 });
  for (const divisor of [0, -1, NaN, Infinity]) {
    assertThrows(() => attention(packedHeads(qkv, 2), { divisor }), RangeError, "must be above 0");
  }
  const inputs: View[] = [{ ...f32(1, 1, 3), data: Float64Array.of(2, 3, 1) }];
  const outputs = [f32(1, 1, 1), f32(1, 1, 1)].map((s) => ({ ...s, data: new Float64Array(1) }));
  attentionOp.reference({ inputs, outputs }, { heads: 1, divisor: 4 });
  assertEquals(outputs[1]?.data[0], 1.5);
});

Deno.test("dropout of attention drops about its share and keeps the mean", () => {
  const rows = Array.from({ length: 64 }, () => [0, 0, 0, 0, 1, 1]);
  const [y, lse] = run(rows, 1, 0.75);
  const mean = y.reduce((s, v) => s + v, 0) / y.length;
  assertAlmostEquals(mean, 1, 0.1);
  assert(y.some((v) => Math.abs(v - 1) > 0.02), "some rows lose or gain");
  assertAlmostEquals(lse[63] as number, Math.log(64), 1e-12);
});

Deno.test("attention() without or with zero dropout traces the same call", () => {
  const trace = newTrace();
  const qkv = trace.source(f32(2, 8, 24), "batch", "qkv");
  const key = trace.source(KEY, "scalar", "key");
  attention(packedHeads(qkv, 2));
  attention(packedHeads(qkv, 2), { dropout: { p: 0, site: 1, key } });
  attention(packedHeads(qkv, 2), { dropout: { p: 0.25, site: 1, key } });
  const [plain, zero, some] = trace.calls;
  assertEquals(zero?.attrs, plain?.attrs);
  assertEquals(zero?.inputs.length, 1);
  assertEquals(some?.attrs, { heads: 2, dropout: { site: 1, keep: 0.75 } });
  assertEquals(some?.inputs.length, 2);
});

Deno.test("attention() rejects a width that is no multiple of the heads", () => {
  for (const [spec, heads] of [[f32(2, 8, 25), 2], [f32(8, 24), 2], [f32(2, 8, 24), 0]] as const) {
    assertThrows(() => attentionOp.shape([spec], { heads }), RangeError, "Cannot attend");
  }
});

Deno.test("attention() refuses dropout without a key, a key without dropout, and p of 1", () => {
  const dropout = { site: 1, keep: 0.5 };
  assertThrows(() => attentionOp.shape([f32(1, 2, 6)], { heads: 1, dropout }), RangeError, "key");
  assertThrows(() => attentionOp.shape([f32(1, 2, 6), KEY], { heads: 1 }), RangeError, "key");
  const trace = newTrace();
  const key = trace.source(KEY, "scalar", "key");
  const qkv = trace.source(f32(1, 2, 6), "batch", "qkv");
  for (const p of [1, -0.5, NaN]) {
    const dropout = { p, site: 1, key };
    assertThrows(() => attention(packedHeads(qkv, 1), { dropout }), RangeError, "[0, 1)");
  }
});

Deno.test("attention_backward refuses a gradient of another shape", () => {
  const inputs = [f32(1, 4, 12), f32(1, 4, 4), f32(1, 2, 4), f32(1, 4, 5)];
  assertThrows(
    () => attentionBackwardOp.shape(inputs, { heads: 2 }),
    RangeError,
    "dy must be [1, 4, 4]: [1, 4, 5]",
  );
});
