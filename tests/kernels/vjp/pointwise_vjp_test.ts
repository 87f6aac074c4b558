/** The gradients of formulas, for every kind of broadcasting. */
import { assertGreater, assertRejects } from "@std/assert";
import { pointwiseOp } from "../../../kernels/pointwise/mod.ts";
import type { Expr } from "../../../src/graph/formula.ts";
import * as f from "../../../src/graph/formula.ts";
import { formula } from "../../../src/graph/formula.ts";
import type { Case, Spec } from "../../../src/graph/types.ts";
import { checkVjp } from "../../support/graph/differences.ts";

/** A formula of the first input, by name; the range excludes kinks and poles. */
const FUNCTIONS: Readonly<Record<string, (x: Expr) => Expr>> = {
  neg: f.neg,
  exp: f.exp,
  log: f.log,
  tanh: f.tanh,
  sqrt: f.sqrt,
  sin: f.sin,
  cos: f.cos,
  sigmoid: f.sigmoid,
  reciprocal: (x) => f.div(1, x),
  "x * x / 3": (x) => f.div(f.mul(x, x), 3),
  max: (x) => f.max(f.mul(x, x), 1),
  min: (x) => f.min(f.mul(x, x), f.sub(x, 2)),
  select: (x) => f.select(f.sub(x, 0.9), f.mul(x, 3), f.mul(x, x)),
};

for (const [name, body] of Object.entries(FUNCTIONS)) {
  Deno.test(`the vjp of pointwise ${name} matches differences`, async () => {
    await checkVjp(pointwiseOp, {
      kind: "ragged",
      inputs: [{ shape: [23], dtype: "f32" }],
      range: { 0: [0.3, 1.7] },
      attrs: { formula: formula(1, (x) => body(x as Expr)) },
    });
  });
}

Deno.test("the vjp of pointwise matches differences for all kinds of broadcasting", async () => {
  let checked = 0;
  for (const test of pointwiseOp.cases) {
    if (test.kind !== "ragged") continue;
    if (test.attrs.donate !== undefined) {
      await assertRejects(() => checkVjp(pointwiseOp, test), RangeError, "update in place");
      continue;
    }
    await checkVjp(pointwiseOp, test);
    checked++;
  }
  assertGreater(checked, 0);
});

Deno.test("the vjp of pointwise adds the gradients of several outputs", async () => {
  const spec: Spec = { shape: [3, 5], dtype: "f32" };
  const both = formula(2, (x, y) => [f.mul(x as Expr, y as Expr), f.exp(x as Expr)]);
  const test: Case = { kind: "ragged", inputs: [spec, spec], attrs: { formula: both } };
  for (const outputs of [[0, 1], [1, 0]]) await checkVjp(pointwiseOp, test, { outputs });
  await checkVjp(pointwiseOp, test, { inputs: [0], outputs: [1] });
});
