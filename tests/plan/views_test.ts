/** Views: which reshapes a plan leaves out, and where it must copy. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { matmul } from "../../kernels/matmul/mod.ts";
import { pointwise } from "../../kernels/pointwise/mod.ts";
import { sum, treeAddTensors } from "../../kernels/reduce/mod.ts";
import { reshape } from "../../kernels/shape/mod.ts";
import { openReference } from "../../src/device/reference.ts";
import { newTrace } from "../../src/graph/trace.ts";
import type { Graph, Spec, Tensor } from "../../src/graph/types.ts";
import { GELU, SUM } from "../../src/nn/formulas.ts";
import { compile } from "../../src/plan/compile.ts";
import type { Plan } from "../../src/plan/types.ts";
import { checkPlan } from "../support/graph/plan_laws.ts";
import { gradientsOf, runTrace } from "../support/graph/run_trace.ts";

const f32 = (...shape: number[]): Spec => ({ shape, dtype: "f32" });

function planOfResults(results: Graph["results"]): Plan {
  const { trace: { calls, constants } } = Object.values(results)[0] as Tensor;
  const plan = compile({ calls, constants, results });
  checkPlan(plan);
  return plan;
}

const opsOf = ({ calls }: Plan) => calls.map(({ op }) => op.name);

Deno.test("a view of a local tensor, of a source or of another view is no call", async () => {
  const trace = newTrace();
  const x = trace.source(f32(2, 6), "batch", "x");
  const w = trace.source(f32(4, 3), "param", "w");
  const a = reshape(x, [3, -1]);
  const y = pointwise(GELU, [reshape(reshape(matmul(a, w), [9]), [1, 9])]);
  const plan = planOfResults({ y });
  assertEquals(opsOf(plan), ["matmul", "pointwise"]);
  assertEquals(plan.calls[0]?.inputs[0]?.shape, [3, 4]);
  assertEquals(plan.calls[0]?.inputs[0]?.base, plan.named.x);
  const ones = Array.from({ length: 12 }, () => 1);
  const { y: got } = await runTrace(openReference(), { y }, { x: ones, w: ones });
  assert(got?.every((v) => Math.abs(v - 3.99993) < 1e-4));
});

Deno.test("a view of a constant reads the constant", async () => {
  const trace = newTrace();
  const x = trace.source(f32(2, 2), "batch", "x");
  const flat = reshape(trace.constant([4], Float32Array.of(1, 2, 3, 4)), [2, 2]);
  const y = pointwise(SUM, [x, flat]);
  assertEquals(opsOf(planOfResults({ y })), ["pointwise"]);
  const { y: got } = await runTrace(openReference(), { y }, { x: [10, 10, 10, 10] });
  assertEquals([...got ?? []], [11, 12, 13, 14]);
});

Deno.test("a tensor lives as long as its views", () => {
  const trace = newTrace();
  const x = trace.source(f32(8, 8), "batch", "x");
  const early = pointwise(GELU, [x]);
  const view = reshape(early, [64]);
  let other = pointwise(GELU, [x]);
  for (let i = 0; i < 4; i++) other = matmul(other, x);
  const y = pointwise(SUM, [reshape(other, [64]), view]);
  // checkPlan() fails if another tensor overwrites `early` before the view is read.
  assertEquals(opsOf(planOfResults({ y: sum(y) })).filter((name) => name === "reshape"), []);
});

Deno.test("a result is a copy, and its further views read it", () => {
  const trace = newTrace();
  const x = trace.source(f32(2, 6), "batch", "x");
  const flat = reshape(x, [12]);
  const y = pointwise(GELU, [reshape(flat, [3, 4])]);
  const plan = planOfResults({ flat, y });
  assertEquals(opsOf(plan), ["reshape", "pointwise"]);
  assertEquals(plan.named.flat?.base, undefined);
});

Deno.test("what an update in place overwrites is copied", async () => {
  const trace = newTrace();
  const x = trace.source(f32(4), "batch", "x");
  const before = pointwise(GELU, [x]);
  const view = reshape(before, [2, 2]);
  const after = treeAddTensors(before, x);
  const y = pointwise(SUM, [reshape(after, [2, 2]), view]);
  const plan = planOfResults({ y });
  assertEquals(opsOf(plan), ["pointwise", "reshape", "tree_add", "pointwise"]);
  const { y: got } = await runTrace(openReference(), { y }, { x: [10, 20, 30, 40] });
  assertEquals([...got ?? []], [30, 60, 90, 120]);
});

Deno.test("gradients flow through views, and the gradient of a parameter is a copy", async () => {
  const trace = newTrace();
  const x = trace.source(f32(2, 3), "batch", "x");
  const w = trace.source(f32(6), "param", "w");
  const y = matmul(x, reshape(w, [3, 2]));
  const { dw } = gradientsOf(sum(y), { dw: w });
  assertEquals(opsOf(planOfResults({ dw: dw as Tensor })).at(-1), "reshape");
  const values = { x: [1, 2, 3, 4, 5, 6], w: [0, 0, 0, 0, 0, 0] };
  const result = await runTrace(openReference(), { dw: dw as Tensor }, values);
  assertEquals([...result.dw ?? []], [5, 5, 7, 7, 9, 9]);
});

Deno.test("reshape() infers one size and refuses others that do not fit", () => {
  const x = newTrace().source(f32(2, 6), "batch", "x");
  assertEquals(reshape(x, [4, -1]).shape, [4, 3]);
  assertThrows(() => reshape(x, [5, -1]), RangeError, "Cannot reshape [2, 6]");
  assertThrows(() => reshape(x, [3, 3]), RangeError, "sizes are 12 and 9");
  assertThrows(() => reshape(x, [-1, -1]), RangeError, "Cannot reshape");
});
