/** Activations, the root mean square norm and the feed-forward layer. */
import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { sum } from "../../kernels/reduce/mod.ts";
import { openReference } from "../../src/device/reference.ts";
import { newTrace } from "../../src/graph/trace.ts";
import type { Tensor } from "../../src/graph/types.ts";
import { exp, log, mlp, relu, rmsNorm, sigmoid, silu, tanh, times } from "../../src/nn/mod.ts";
import { newScope } from "../../src/nn/scope.ts";
import { compile } from "../../src/plan/compile.ts";
import { gradientsOf, runTrace } from "../support/graph/run_trace.ts";

function setting(shape = [2, 3, 8]) {
  const trace = newTrace();
  const { scope, params } = newScope(trace, { training: true });
  return { trace, scope, params, x: trace.source({ shape, dtype: "f32" }, "batch", "x") };
}

const POINTS = [-2, -0.5, 0.25, 3];

const ACTIVATIONS: readonly [string, (x: Tensor) => Tensor, (v: number) => number][] = [
  ["relu", relu, (v) => Math.max(v, 0)],
  ["sigmoid", sigmoid, (v) => 1 / (1 + Math.exp(-v))],
  ["tanh", tanh, Math.tanh],
  ["silu", silu, (v) => v / (1 + Math.exp(-v))],
  ["exp", exp, Math.exp],
  ["log", (x) => log(times(x, x)), (v) => Math.log(v * v)],
];

for (const [name, layer, value] of ACTIVATIONS) {
  Deno.test(`${name}() has its values and slopes`, async () => {
    const { x } = setting([4]);
    const y = layer(x);
    const { dx } = gradientsOf(sum(y), { dx: x });
    const device = openReference({ precision: "f64" });
    const results = await runTrace(device, { y, dx: dx as Tensor }, { x: POINTS });
    POINTS.forEach((v, i) => {
      assertAlmostEquals(results.y?.[i] as number, value(v), 1e-12);
      const slope = (value(v + 1e-6) - value(v - 1e-6)) / 2e-6;
      assertAlmostEquals(results.dx?.[i] as number, slope, 1e-8);
    });
  });
}

Deno.test("rmsNorm() divides rows by their root mean square, with a gain of 1", async () => {
  const { scope, params, x } = setting([2, 2]);
  const y = rmsNorm(scope.in("norm"), x, { eps: 0 });
  assertEquals(params.map(({ name, shape, init }) => [name, shape, init.kind]), [
    ["norm.weight", [2], "ones"],
  ]);
  const values = { x: [3, 4, -1, 7], "norm.weight": [1, 2] };
  const { y: got } = await runTrace(openReference({ precision: "f64" }), { y }, values);
  const rms = [Math.sqrt(12.5), 5];
  [3 / (rms[0] as number), 8 / (rms[0] as number), -1 / 5, 14 / 5].forEach((v, i) =>
    assertAlmostEquals(got?.[i] as number, v, 1e-12)
  );
});

Deno.test("mlp() widens to the hidden features and back, by every activation", () => {
  for (const activation of ["gelu", "relu", "silu", "swiglu"] as const) {
    const { scope, params, x } = setting();
    assertEquals(mlp(scope.in("mlp"), x, { hidden: 12, activation }).shape, [2, 3, 8]);
    const wide = activation === "swiglu" ? 24 : 12;
    assertEquals(params.map(({ name, shape }) => [name, ...shape]), [
      ["mlp.up.weight", 8, wide],
      ["mlp.up.bias", wide],
      ["mlp.down.weight", 12, 8],
      ["mlp.down.bias", 8],
    ]);
  }
  const { scope, params, x } = setting();
  mlp(scope, x, { hidden: 12, bias: false, scale: 0.5 });
  const stds = params.map(({ init }) => init.kind === "normal" ? init.std : 0);
  assertEquals(stds, [0.02, 0.01]);
});

Deno.test("activations and their biases fuse into the matmul of an mlp", () => {
  const { trace, scope, x } = setting();
  const y = mlp(scope, x, { hidden: 12, activation: "silu" });
  const plan = compile({ calls: trace.calls, constants: trace.constants, results: { y } });
  assertEquals(plan.calls.map(({ op }) => op.name), ["matmul", "matmul"]);
  assert(plan.calls.every(({ attrs }) => attrs.epilogue !== undefined));
});
