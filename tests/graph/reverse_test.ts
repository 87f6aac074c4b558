/** Reverse mode on small graphs, with values that check the accumulation of gradients. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { pointwise } from "../../kernels/pointwise/mod.ts";
import { sum } from "../../kernels/reduce/mod.ts";
import { ArrayMemory, openReference } from "../../src/device/reference.ts";
import * as f from "../../src/graph/formula.ts";
import type { Expr } from "../../src/graph/formula.ts";
import { gradients } from "../../src/graph/reverse.ts";
import { apply, newTrace } from "../../src/graph/trace.ts";
import type { Grad, Op, Spec, Tensor } from "../../src/graph/types.ts";
import { compile } from "../../src/plan/compile.ts";

const PLUS = f.formula(2, (x, y) => f.add(x as Expr, y as Expr));
const TIMES = f.formula(2, (x, y) => f.mul(x as Expr, y as Expr));
const EXP = f.formula(1, (x) => f.exp(x as Expr));
const SPEC: Spec = { shape: [3], dtype: "f32" };
const X = [0.5, -1, 2];
const Y = [3, 0.25, -1];

function sources() {
  const trace = newTrace();
  return { trace, x: trace.source(SPEC, "batch", "x"), y: trace.source(SPEC, "batch", "y") };
}

function reverse(loss: Tensor, wanted: readonly Tensor[]): readonly Grad[] {
  const seed = loss.trace.constant([1], Float32Array.of(1));
  return gradients(loss, wanted, { seed, add: (a, b) => pointwise(PLUS, [a, b]) });
}

/** The value of a gradient at x = X and y = Y. */
async function valueOf(flow: Grad): Promise<number[]> {
  assert(flow !== undefined, "a gradient flows");
  const device = openReference({ precision: "f64" });
  const memory = device.memory() as ArrayMemory;
  const { calls, constants } = flow.trace;
  const program = await device.load(compile({ calls, constants, results: { flow } }), memory);
  memory.ensure("x", 3);
  memory.ensure("y", 3);
  memory.floats("x").set(X);
  memory.floats("y").set(Y);
  program.run();
  return [...memory.floats("flow")];
}

Deno.test("gradients of a tensor with several readers are added", async () => {
  const { x, y } = sources();
  // x is read by three calls, one of them twice.
  const square = pointwise(TIMES, [x, x]);
  const loss = sum(pointwise(PLUS, [pointwise(TIMES, [square, y]), pointwise(EXP, [x])]));
  const [dx, dy] = reverse(loss, [x, y]);
  assertEquals(await valueOf(dx), X.map((v, i) => 2 * v * (Y[i] as number) + Math.exp(v)));
  assertEquals(await valueOf(dy), X.map((v) => v * v));
});

Deno.test("an input read twice by one call gets both gradients", async () => {
  const { x } = sources();
  const [dx] = reverse(sum(pointwise(TIMES, [x, x])), [x]);
  assertEquals(await valueOf(dx), X.map((v) => 2 * v));
});

Deno.test("tensors that the loss does not depend on get undefined", () => {
  const { trace, x, y } = sources();
  pointwise(EXP, [y]);
  const loss = sum(pointwise(EXP, [x]));
  const [dx, dy] = reverse(loss, [x, y]);
  assert(dx !== undefined);
  assertEquals(dy, undefined);
  assertEquals(reverse(loss, []), []);
  assert(trace.calls.length > 0);
});

Deno.test("gradients of intermediate tensors are returned as well", async () => {
  const { x, y } = sources();
  const inner = pointwise(EXP, [x]);
  const [flow] = reverse(sum(pointwise(TIMES, [inner, y])), [inner]);
  assertEquals(await valueOf(flow), Y);
});

Deno.test("calls that no wanted tensor depends on have no backward calls", () => {
  const { trace, x, y } = sources();
  const loss = sum(pointwise(PLUS, [x, pointwise(EXP, [pointwise(EXP, [y])])]));
  const before = trace.calls.length;
  reverse(loss, [x]);
  const added = trace.calls.slice(before);
  assert(added.length <= 2, `${added.length} calls for the gradient of a sum`);
});

const blunt: Op = {
  name: "blunt",
  shape: ([x]) => [x as Spec],
  launch: () => [],
  reference: ({ inputs, outputs }) => outputs[0]?.data.set(inputs[0]?.data ?? []),
  cost: () => ({ flops: 0, bytes: 0, terms: 1 }),
  cases: [],
};

Deno.test("an op without a vjp throws, but only if a gradient must pass it", () => {
  const { x, y } = sources();
  const loss = sum(pointwise(TIMES, [apply(blunt, [x]), y]));
  assertThrows(() => reverse(loss, [x]), RangeError, "Cannot differentiate blunt: it has no vjp");
  assert(reverse(loss, [y])[0] !== undefined);
});
