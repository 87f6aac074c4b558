/** Layers: declared parameters, traced calls, and formulas. */
import { assert, assertAlmostEquals, assertEquals, assertLess, assertThrows } from "@std/assert";
import { pointwise } from "../../kernels/pointwise/mod.ts";
import { rootKey } from "../../src/base/random.ts";
import { openReference } from "../../src/device/reference.ts";
import { add, type Expr, formula, mul } from "../../src/graph/formula.ts";
import { evaluateFormula } from "../../src/graph/formula_eval.ts";
import { newTrace } from "../../src/graph/trace.ts";
import { dropoutFormula, GELU, scaleFormula } from "../../src/nn/formulas.ts";
import { attend } from "../../src/nn/attention.ts";
import {
  dropout,
  embed,
  layerNorm,
  linear,
  plus,
  positions,
  scaled,
  unembed,
} from "../../src/nn/layers.ts";
import { newScope } from "../../src/nn/scope.ts";
import { compile } from "../../src/plan/compile.ts";
import { onDevice, sharedGpu } from "../support/gpu.ts";
import { sinusoids } from "../../src/nn/sinusoids.ts";

const gpu = sharedGpu();

function setting({ training = true, shape = [2, 3, 8] } = {}) {
  const trace = newTrace();
  const { scope, params } = newScope(trace, { training });
  return { trace, scope, params, x: trace.source({ shape, dtype: "f32" }, "batch", "x") };
}

Deno.test("linear() maps the last axis, by default with a bias", () => {
  const { scope, params, x } = setting();
  assertEquals(linear(scope.in("a"), x, { width: 5 }).shape, [2, 3, 5]);
  linear(scope.in("b"), x, { width: 4, bias: false, scale: 0.5 });
  assertEquals(params.map(({ name, shape }) => [name, ...shape]), [
    ["a.weight", 8, 5],
    ["a.bias", 5],
    ["b.weight", 8, 4],
  ]);
  const std = params.map(({ init }) => init.kind === "normal" ? init.std : 0);
  assertEquals(std, [0.02, 0, 0.01]);
});

Deno.test("layerNorm() initialises gain to 1 and bias to 0", () => {
  const { scope, params, x } = setting();
  assertEquals(layerNorm(scope, x).shape, x.shape);
  assertEquals(params.map(({ name, init }) => [name, init.kind]), [
    ["weight", "ones"],
    ["bias", "zeros"],
  ]);
});

Deno.test("embed() and unembed() of one scope share their table", () => {
  const { trace, scope, params, x } = setting();
  const ids = trace.source({ shape: [2, 3], dtype: "u32" }, "batch", "ids");
  const sizes = { vocabulary: 11, width: 8 };
  assertEquals(embed(scope, ids, sizes).shape, [2, 3, 8]);
  assertEquals(unembed(scope, x, sizes).shape, [2, 3, 11]);
  assertEquals(params.map(({ name }) => name), ["weight"]);
});

Deno.test("positions() are a parameter or a constant", () => {
  const learned = setting();
  positions(learned.scope, learned.x, "learned");
  assertEquals(learned.params.map(({ shape }) => shape), [[3, 8]]);
  const fixed = setting();
  positions(fixed.scope, fixed.x, "sinusoidal");
  assertEquals([fixed.params.length, fixed.trace.constants.length], [0, 1]);
});

Deno.test("dropout() does nothing in evaluation and at probability 0", () => {
  for (const [training, p] of [[false, 0.5], [true, 0]] as const) {
    const { trace, scope, x } = setting({ training });
    assert(dropout(scope, x, p) === x);
    const qkv = linear(scope, x, { width: 24 });
    attend(scope, qkv, { heads: 2, dropout: p });
    const keys = trace.calls.flatMap(({ inputs }) => inputs).filter((t) => t.dtype === "u32");
    assertEquals(keys, []);
  }
  const { scope, x } = setting();
  assert(dropout(scope, x, 0.5) !== x);
});

Deno.test("dropout keeps the mean: zeros, and the rest scaled up", () => {
  const n = 1 << 14;
  const p = 0.25;
  const formula = dropoutFormula(p, 3);
  const at = (i: number) =>
    evaluateFormula(formula, i, { input: () => 2, key: () => rootKey(1) })[0];
  const values = Array.from({ length: n }, (_, i) => at(i) as number);
  assert(values.every((v) => v === 0 || Math.abs(v - 2 / (1 - p)) < 1e-12));
  const mean = values.reduce((a, b) => a + b, 0) / n;
  assertLess(Math.abs(mean - 2), 5 * 2 * Math.sqrt(p / (1 - p) / n));
});

Deno.test("GELU has its known values", () => {
  const gelu = (x: number) =>
    evaluateFormula(GELU, 0, { input: () => x, key: () => [0, 0] })[0] as number;
  // By hand from 0.5 x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))).
  const known = [[0, 0], [1, 0.8411919906], [-1, -0.1588080094], [3, 2.9963627], [-20, 0]] as const;
  for (const [x, y] of known) assertAlmostEquals(gelu(x), y, 1e-7);
  const [scaled] = evaluateFormula(scaleFormula(0.25), 0, { input: () => 8, key: () => [0, 0] });
  assertEquals(scaled, 2);
});

Deno.test("sinusoids() are sines and cosines of falling frequency", () => {
  const values = sinusoids(3, 4);
  const row = (t: number) => [Math.sin(t), Math.cos(t), Math.sin(t / 100), Math.cos(t / 100)];
  assertEquals(values, Float32Array.from([0, 1, 2].flatMap(row)));
  assertEquals(sinusoids(2, 1), Float32Array.of(0, Math.sin(1)));
});

Deno.test("attend() rejects heads that do not divide the width", () => {
  const { scope, x } = setting({ shape: [1, 3, 24] });
  assertThrows(() => attend(scope, x, { heads: 3, dropout: 0 }), RangeError, "heads");
});

for (const [place, open] of [["the reference", openReference], ["the GPU", gpu]] as const) {
  Deno.test(
    onDevice(place, `scaled() by 0 is zero, of the shape of its input, on ${place}`),
    async () => {
      const device = await open();
      const trace = newTrace();
      const x = trace.source({ shape: [3, 5], dtype: "f32" }, "batch", "x");
      const bias = trace.source({ shape: [5], dtype: "f32" }, "batch", "bias");
      const zero = scaled(x, 0);
      // An input without an effect gives the shape; here a product by 0 within one formula.
      const two = formula(2, (x, b) => add(mul(x as Expr, 0), b as Expr));
      const shaped = pointwise(two, [x, bias]);
      assertEquals([zero.shape, shaped.shape], [[3, 5], [3, 5]]);
      const { calls, constants } = trace;
      const memory = device.memory();
      const results = { zero, shaped, sum: plus(zero, bias) };
      const program = await device.load(compile({ calls, constants, results }), memory);
      memory.write("x", Float32Array.from({ length: 15 }, (_, i) => i === 7 ? Infinity : i - 6));
      memory.write("bias", Float32Array.of(1, 2, 3, 4, 5));
      program.run();
      const read = (slot: string) => memory.read([{ slot, offset: 0, length: 15 }]);
      const rows = Float32Array.from({ length: 15 }, (_, i) => i % 5 + 1);
      assertEquals(await read("zero"), new Float32Array(15));
      assertEquals([await read("shaped"), await read("sum")], [rows, rows]);
    },
  );
}
