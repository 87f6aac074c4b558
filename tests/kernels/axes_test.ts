/** Ops along any axis, and permutations, on small tensors. */
import { assertEquals, assertThrows } from "@std/assert";
import { batchedMatmul, batchedMatmulOp } from "../../kernels/matmul/mod.ts";
import { permuteAxes, transposeLast } from "../../kernels/permute/mod.ts";
import { sum } from "../../kernels/reduce/mod.ts";
import { concatAxis, meanAxis, sliceAxis } from "../../kernels/shape/mod.ts";
import { openReference } from "../../src/device/reference.ts";
import { newTrace } from "../../src/graph/trace.ts";
import type { Spec, Tensor } from "../../src/graph/types.ts";
import { plus, scaled } from "../../src/nn/layers.ts";
import { compile } from "../../src/plan/compile.ts";
import { gradientsOf, runTrace } from "../support/graph/run_trace.ts";

const f32 = (...shape: number[]): Spec => ({ shape, dtype: "f32" });
const count = (n: number) => Array.from({ length: n }, (_, i) => i);

/** Values of a tensor of sources x [2, 3, 2] (0 to 11) and, if it is read, z [2, 1, 2] (12 to 15). */
async function valuesOf(y: Tensor): Promise<number[]> {
  const values = { x: count(12), z: [12, 13, 14, 15] };
  const { y: got } = await runTrace(openReference(), { y }, values);
  return [...got ?? []];
}

function sources(): { x: Tensor; z: Tensor } {
  const trace = newTrace();
  return {
    x: trace.source(f32(2, 3, 2), "batch", "x"),
    z: trace.source(f32(2, 1, 2), "batch", "z"),
  };
}

Deno.test("concatAxis() joins along any axis", async () => {
  const { x, z } = sources();
  const y = concatAxis(x, z, 1);
  assertEquals(y.shape, [2, 4, 2]);
  assertEquals(await valuesOf(y), [0, 1, 2, 3, 4, 5, 12, 13, 6, 7, 8, 9, 10, 11, 14, 15]);
  assertEquals(concatAxis(x, x, 0).shape, [4, 3, 2]);
  assertEquals(await valuesOf(concatAxis(x, x, 0)), [...count(12), ...count(12)]);
  assertThrows(() => concatAxis(x, z, 0), RangeError, "along axis 0: other axes differ");
  assertThrows(() => concatAxis(x, z, 3), RangeError, "along axis 3: it has no such");
});

Deno.test("sliceAxis() takes a range of any axis, and pads its gradient", async () => {
  const { x } = sources();
  const y = sliceAxis(x, { axis: 1, first: 1, count: 2 });
  assertEquals(y.shape, [2, 2, 2]);
  assertEquals(await valuesOf(y), [2, 3, 4, 5, 8, 9, 10, 11]);
  assertEquals(await valuesOf(sliceAxis(x, { axis: 0, first: 1, count: 1 })), count(12).slice(6));
  const { dx } = gradientsOf(sum(y), { dx: x });
  assertEquals(await valuesOf(dx as Tensor), [0, 0, 1, 1, 1, 1, 0, 0, 1, 1, 1, 1]);
  const beyond = { axis: 1, first: 2, count: 2 };
  assertThrows(() => sliceAxis(x, beyond), RangeError, "2 elements from 2 on of [2, 3, 2]");
  assertThrows(() => sliceAxis(x, { ...beyond, axis: -1 }), RangeError, "axis -1");
});

Deno.test("meanAxis() averages along any axis and keeps it", async () => {
  const { x } = sources();
  assertEquals(meanAxis(x, 1).shape, [2, 1, 2]);
  assertEquals(await valuesOf(meanAxis(x, 1)), [2, 3, 8, 9]);
  assertEquals(await valuesOf(meanAxis(x, 0)), [3, 4, 5, 6, 7, 8]);
  assertEquals(await valuesOf(meanAxis(x, 2)), [0.5, 2.5, 4.5, 6.5, 8.5, 10.5]);
  assertThrows(() => meanAxis(x, 3), RangeError, "Cannot average [2, 3, 2] along axis 3");
});

Deno.test("ops along an axis run one kernel: their reshapes are views", () => {
  const { x } = sources();
  const y = sliceAxis(x, { axis: 1, first: 1, count: 2 });
  const { calls, constants } = x.trace;
  const plan = compile({ calls, constants, results: { y: sum(y) } });
  assertEquals(plan.calls.map(({ op }) => op.name), ["slice_last", "sum"]);
});

Deno.test("permuteAxes() reorders axes, transposeLast() swaps the last two", async () => {
  const { x } = sources();
  assertEquals(permuteAxes(x, [2, 0, 1]).shape, [2, 2, 3]);
  assertEquals(await valuesOf(permuteAxes(x, [2, 0, 1])), [0, 2, 4, 6, 8, 10, 1, 3, 5, 7, 9, 11]);
  assertEquals(transposeLast(x).shape, [2, 2, 3]);
  assertEquals(await valuesOf(transposeLast(x)), [0, 2, 4, 1, 3, 5, 6, 8, 10, 7, 9, 11]);
  const row = newTrace().source(f32(4), "batch", "x");
  assertThrows(() => transposeLast(row), RangeError, "Cannot transposeLast [4]");
});

Deno.test("batched_matmul takes several dispatches for more pairs than one can have", () => {
  const io = { inputs: [f32(9, 2, 2), f32(9, 2, 2)], outputs: [f32(9, 2, 2)] };
  const { target } = openReference();
  const groups = batchedMatmulOp.launch(io, {}, { ...target, groups: 4 }).map((l) => l.groups[2]);
  assertEquals(groups, [4, 4, 1]);
});

Deno.test("a batched product takes the elementwise calls behind it as its epilogue", () => {
  const trace = newTrace();
  const [q, k] = ["q", "k"].map((name) => trace.source(f32(2, 3, 4), "batch", name));
  const mask = trace.source(f32(3, 3), "batch", "mask");
  const scores = batchedMatmul(q as Tensor, k as Tensor, { tb: true });
  const y = plus(scaled(scores, 0.5), mask);
  const plan = compile({ calls: trace.calls, constants: trace.constants, results: { y } });
  assertEquals(plan.calls.map(({ op }) => op.name), ["batched_matmul"]);
});
