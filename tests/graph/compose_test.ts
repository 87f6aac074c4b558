/** Ops that are given as compositions: what follows from the composition, and what replaces it. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { matmul, matmulOp } from "../../kernels/matmul/mod.ts";
import { pointwise, pointwiseOp } from "../../kernels/pointwise/mod.ts";
import { sum } from "../../kernels/reduce/mod.ts";
import { sizeOf } from "../../src/base/shape.ts";
import { openReference } from "../../src/device/reference.ts";
import { defineOp } from "../../src/graph/compose.ts";
import type { Composition } from "../../src/graph/compose.ts";
import * as f from "../../src/graph/formula.ts";
import type { Expr } from "../../src/graph/formula.ts";
import { apply, newTrace } from "../../src/graph/trace.ts";
import type { Graph, Op, Spec, Tensor } from "../../src/graph/types.ts";
import { compile } from "../../src/plan/compile.ts";
import { checkVjp } from "../support/graph/differences.ts";
import { gradientsOf, runTrace } from "../support/graph/run_trace.ts";

const f32 = (...shape: number[]): Spec => ({ shape, dtype: "f32" });
const EXP = f.formula(1, (x) => f.exp(x as Expr));
const TIMES = f.formula(2, (x, y) => f.mul(x as Expr, y as Expr));

/** exp(x) * y, y repeating into x: two calls, the intermediate result being exp(x). */
const GATE: Composition<"x" | "y"> = {
  name: "gate",
  inputs: ["x", "y"],
  compose: ({ x, y }) => pointwise(TIMES, [pointwise(EXP, [x]), y]),
  cases: [{ kind: "ragged", inputs: [f32(3, 5), f32(5)], attrs: {} }],
};

/** Elements of `n` numbers in order: 0, 0.1, ... */
const steps = (n: number) => Array.from({ length: n }, (_, i) => i / 10);

/** The op with kernels that stand for handwritten ones: those of one fused pointwise call. */
function withKernels(extra: Partial<Composition> = {}): Op {
  const fused = f.formula(2, (x, y) => f.mul(f.exp(x as Expr), y as Expr));
  return defineOp({
    ...GATE,
    launch: (io, _, target) => pointwiseOp.launch(io, { formula: fused }, target),
    ...extra,
  });
}

function sources() {
  const trace = newTrace();
  return {
    x: trace.source(f32(3, 5), "batch", "x"),
    y: trace.source(f32(5), "batch", "y"),
  };
}

/** Names of the ops that a plan of the results runs. */
function opsOf(results: Graph["results"], { fuse = true } = {}): string[] {
  const { trace: { calls, constants } } = Object.values(results)[0] as Tensor;
  return compile({ calls, constants, results }, { fuse }).calls.map(({ op }) => op.name);
}

Deno.test("a composed op has the shape, cost and values of its composition", async () => {
  const op = defineOp(GATE);
  const inputs = [f32(3, 5), f32(5)];
  assertEquals(op.shape(inputs, {}), [f32(3, 5)]);
  const parts = pointwiseOp.cost({ inputs: [f32(3, 5)], outputs: [f32(3, 5)] }, {});
  const { flops, terms } = op.cost({ inputs, outputs: [f32(3, 5)] }, {});
  assertEquals({ flops, terms }, { flops: 2 * parts.flops, terms: 2 * parts.terms });
  const { x, y } = sources();
  const device = openReference({ precision: "f64" });
  const values = { x: steps(15), y: steps(5) };
  const { z } = await runTrace(device, { z: apply(op, [x, y]) }, values);
  assertEquals(z, Float64Array.from(steps(15), (v, i) => Math.exp(v) * ((i % 5) / 10)));
});

Deno.test("a plan runs the parts of a composed op, and fuses them", () => {
  const trace = newTrace();
  const a = trace.source(f32(3, 4), "batch", "a");
  const w = trace.source(f32(4, 5), "param", "w");
  const y = trace.source(f32(5), "batch", "y");
  const z = apply(defineOp(GATE), [matmul(a, w), y]);
  assertEquals(opsOf({ z }, { fuse: false }), ["matmul", "pointwise", "pointwise"]);
  assertEquals(opsOf({ z }), ["matmul"]);
  assertEquals(trace.calls.map(({ op }) => op.name), ["matmul", "gate"], "the trace has one call");
});

Deno.test("a composed op without a vjp is differentiated through its parts", async () => {
  for (const op of [defineOp(GATE), withKernels()]) {
    await checkVjp(op, { kind: "ragged", inputs: [f32(3, 5), f32(5)], attrs: {} });
    await checkVjp(op, { kind: "ragged", inputs: [f32(3, 5), f32(3, 5)], attrs: {} });
  }
});

Deno.test("compositions nest, in values and in gradients", async () => {
  const gate = defineOp(GATE);
  const twice = defineOp({
    name: "gate_twice",
    inputs: ["x", "y"],
    compose: ({ x, y }) => apply(gate, [apply(gate, [x, y]), y]),
    cases: GATE.cases,
  });
  await checkVjp(twice, { kind: "ragged", inputs: [f32(3, 5), f32(5)], attrs: {} });
  const { x, y } = sources();
  assertEquals(opsOf({ z: apply(twice, [x, y]) }, { fuse: false }), Array(4).fill("pointwise"));
});

Deno.test("kernels replace the composition, which stays their reference", async () => {
  const op = withKernels();
  const { x, y } = sources();
  const z = apply(op, [x, y]);
  assertEquals(opsOf({ z }), ["gate"], "the parts are pruned");
  const values = { x: steps(15), y: steps(5) };
  const result = await runTrace(openReference({ precision: "f64" }), { z }, values);
  assertEquals(result.z, Float64Array.from(steps(15), (v, i) => Math.exp(v) * ((i % 5) / 10)));
  const { bytes } = op.cost({ inputs: [f32(3, 5), f32(5)], outputs: [f32(3, 5)] }, {});
  assertEquals(bytes, 4 * (15 + 5 + 15), "kernels keep no intermediate result");
});

Deno.test("a derivative keeps only the parts whose results it reads", async () => {
  const { x, y } = sources();
  const z = apply(withKernels(), [x, y]);
  const { dx } = gradientsOf(sum(z), { dx: x });
  const ops = opsOf({ z, dx: dx as Tensor }, { fuse: false });
  assertEquals(ops.filter((name) => name === "gate"), ["gate"]);
  // exp(x) is computed for dx; the product of exp(x) and y is left to the kernels.
  const values = { x: steps(15), y: steps(5) };
  const device = openReference({ precision: "f64" });
  const both = await runTrace(device, { z, dx: dx as Tensor }, values);
  assertEquals(both.dx, both.z, "the derivative of exp(x) y by x is the value");
});

Deno.test("a vjp written by hand replaces the derivative of the composition", async () => {
  const { x, y } = sources();
  const triple = f.formula(1, (d) => f.mul(d as Expr, 3));
  const op = defineOp({ ...GATE, vjp: (_, [dz]) => dz ? [pointwise(triple, [dz])] : [] });
  const { dx } = gradientsOf(sum(apply(op, [x, y])), { dx: x });
  const device = openReference({ precision: "f64" });
  const result = await runTrace(device, { dx: dx as Tensor }, { x: steps(15), y: steps(5) });
  assertEquals(result.dx, new Float64Array(15).fill(3));
});

Deno.test("errors of shape name the composed op, and the part that failed", () => {
  const op = defineOp(GATE);
  const error = assertThrows(() => op.shape([f32(3, 5), f32(4)], {}), RangeError);
  assert(error.message.startsWith("Cannot gate [3, 5] [4]: cannot apply pointwise to input 1"));
  assert(error.cause instanceof RangeError);
  assertThrows(() => op.shape([f32(3)], {}), RangeError, "Cannot gate [3]: need x, y: got 1");
  const strict = defineOp({
    ...GATE,
    compose: ({ x }) => {
      throw new RangeError(`Cannot gate ${sizeOf(x.shape)} elements: need fewer`);
    },
  });
  assertThrows(() => strict.shape([f32(3), f32(3)], {}), RangeError, "Cannot gate 3 elements");
});

Deno.test("a failed composition leaves the trace as it was", () => {
  const { x, y } = sources();
  const bad = defineOp({ ...GATE, compose: ({ x, y }) => matmul(pointwise(EXP, [x]), y) });
  assertThrows(() => apply(bad, [x, y]), RangeError, "Cannot gate");
  apply(matmulOp, [x, x], { tb: true });
  assertEquals(x.trace.calls.map(({ op }) => op.name), ["matmul"]);
});

Deno.test("a composition returns new tensors, each once", () => {
  const same = defineOp({ ...GATE, compose: ({ x }) => x });
  assertThrows(() => same.shape([f32(3), f32(3)], {}), RangeError, "output 0 is an input");
  const twice = defineOp({
    ...GATE,
    compose: ({ x }) => {
      const z = pointwise(EXP, [x]);
      return [z, z];
    },
  });
  assertThrows(() => twice.shape([f32(3), f32(3)], {}), RangeError, "output 1 is output 0");
});

Deno.test("parts beside kernels must not update in place", () => {
  const copied = f.formula(1, (x) => x as Expr);
  const op = withKernels({
    compose: ({ x, y }) =>
      apply(pointwiseOp, [pointwise(TIMES, [x as Tensor, y as Tensor])], {
        formula: copied,
        donate: [0],
      }),
  });
  const { x, y } = sources();
  const z = apply(op, [x, y]);
  assertThrows(() => opsOf({ z }), RangeError, "need parts without updates in place");
});

Deno.test("defineOp() checks the name and wants cases, and returns a written-out op as it is", () => {
  assertEquals(defineOp(matmulOp), matmulOp);
  assertThrows(() => defineOp({ ...GATE, name: "Gate" }), TypeError, "need a name of a-z");
  assertThrows(() => defineOp({ ...GATE, cases: [] }), TypeError, "need cases");
  const op = defineOp(GATE);
  const io = { inputs: [f32(3, 5), f32(5)], outputs: [f32(3, 5)] };
  const target = openReference().target;
  assertThrows(() => op.launch(io, {}, target), TypeError, "compile() expands its calls");
});

Deno.test("a reference of a composition has constants and updates in place", () => {
  const op = defineOp({
    name: "onto_ones",
    inputs: ["x"],
    compose: ({ x }) => {
      const ones = x.trace.constant([3, 3], new Float32Array(9).fill(1));
      const start = pointwise(f.formula(1, (v) => f.mul(v as Expr, 2)), [ones]);
      return apply(matmulOp, [x, x, start], { tb: true, onto: true });
    },
    cases: [{ kind: "ragged", inputs: [f32(3, 2)], attrs: {} }],
  });
  const y = { ...f32(3, 3), data: new Float64Array(9) };
  op.reference({
    inputs: [{ ...f32(3, 2), data: Float64Array.of(1, 2, 3, 4, 5, 6) }],
    outputs: [y],
  }, {});
  assertEquals([...y.data], [7, 13, 19, 13, 27, 41, 19, 41, 63]);
});
