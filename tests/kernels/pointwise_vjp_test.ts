/** The gradients that follow from formulas, for every way an input can be read. */
import { assert } from "@std/assert";
import { pointwiseOp } from "../../kernels/pointwise.ts";
import type { Expr } from "../../src/graph/formula.ts";
import * as f from "../../src/graph/formula.ts";
import { formula } from "../../src/graph/formula.ts";
import { checkVjp } from "../support/differences.ts";

/** A formula of the first input, by name; the range keeps clear of kinks and poles. */
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

Deno.test("the vjp of pointwise holds in its cases, over all outputs at once", async () => {
  let checked = 0;
  for (const test of pointwiseOp.cases) {
    if (test.kind !== "ragged" || test.attrs.donate !== undefined) continue;
    const outputs = (test.attrs.formula as f.Formula).outputs.map((_, k) => k);
    await checkVjp(pointwiseOp, test, { outputs });
    checked++;
  }
  assert(checked > 0, "no case was checked");
});
