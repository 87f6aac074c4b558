import { assert, assertEquals, assertThrows } from "@std/assert";
import { matmul, matmulOp } from "../../kernels/matmul/mod.ts";
import { apply, applyAll, newTrace } from "../../src/graph/trace.ts";
import type { Op, Spec } from "../../src/graph/types.ts";

const f32 = (...shape: number[]): Spec => ({ shape, dtype: "f32" });

Deno.test("a trace records calls in order, and their outputs are local", () => {
  const trace = newTrace();
  const a = trace.source(f32(2, 3), "batch", "a");
  const b = trace.source(f32(3, 4), "param", "b");
  const y = matmul(a, b);
  const z = matmul(y, b, { tb: true });
  assertEquals(trace.calls.map(({ op }) => op.name), ["matmul", "matmul"]);
  assert(trace.calls[0]?.inputs[0] === a && trace.calls[1]?.inputs[0] === y);
  assert(trace.calls[1]?.outputs[0] === z);
  assertEquals([y.shape, y.role, z.shape, y.name], [[2, 4], "local", [2, 3], undefined]);
  assertEquals(new Set([a, b, y, z].map((t) => t.id)).size, 4);
});

Deno.test("wrong shapes throw at trace time, and record no call", () => {
  const trace = newTrace();
  const a = trace.source(f32(4, 8), "batch", "a");
  const b = trace.source(f32(6, 2), "param", "b");
  assertThrows(() => matmul(a, b), RangeError, "inner sizes are 8 and 6");
  assertEquals(trace.calls.length, 0);
});

Deno.test("constants hold as many values as their shape", () => {
  const trace = newTrace();
  const c = trace.constant([2, 2], Float32Array.of(1, 2, 3, 4));
  assertEquals([c.role, trace.constants.length], ["const", 1]);
  assertThrows(() => trace.constant([2, 2], new Float32Array(3)), RangeError, "[2, 2] of 3");
  assertEquals(trace.constants.length, 1);
});

Deno.test("an op without inputs cannot be applied", () => {
  assertThrows(() => apply(matmulOp, []), RangeError, "without inputs");
});

Deno.test("applyAll() returns all outputs, apply() the first", () => {
  const twice: Op = { ...matmulOp, name: "twice", shape: ([a]) => [a as Spec, f32(1)] };
  const x = newTrace().source(f32(5), "batch", "x");
  assertEquals(applyAll(twice, [x]).map((t) => t.shape), [[5], [1]]);
  assertEquals(apply(twice, [x]).shape, [5]);
});
