/** Loss terms besides classification: values and gradients against their definitions. */
import { assertAlmostEquals, assertEquals } from "@std/assert";
import { openReference } from "../../src/device/reference.ts";
import { newTrace } from "../../src/graph/trace.ts";
import type { Tensor } from "../../src/graph/types.ts";
import { type LossTerms, preference, squaredError } from "../../src/nn/terms.ts";
import { differentiate, evaluateTerms } from "../../src/engine/loss.ts";
import { runTrace } from "../support/graph/run_trace.ts";

const A = [0.3, -2, 60, -60, 1.5];
const B = [0.1, 1, -60, 60, 1.5];

/** Sums and gradients of a loss over two inputs [5], in f64. */
async function computed(make: (a: Tensor, b: Tensor) => LossTerms) {
  const inputs = { a: Float64Array.from(A), b: Float64Array.from(B) };
  const traced = () => {
    const trace = newTrace();
    const [a, b] = ["a", "b"].map((name) =>
      trace.source({ shape: [A.length], dtype: "f32" }, "batch", name)
    ) as [Tensor, Tensor];
    return { trace, a, b, terms: make(a, b) };
  };
  const device = openReference({ precision: "f64" });
  const { trace, a, b, terms } = traced();
  const options = { trace, share: (total: Tensor) => total, wanted: [a, b] };
  const { loss, flows: [da, db] } = differentiate(terms, options);
  const results = { loss, da: da as Tensor, db: db as Tensor };
  const sums = await runTrace(device, evaluateTerms(traced().terms), inputs);
  const got = await runTrace(device, results, inputs);
  return { sums, da: got["da"] as Float64Array, db: got["db"] as Float64Array };
}

Deno.test("preference() is the log-loss of the difference, at differences of any size", async () => {
  const { sums, da, db } = await computed(preference);
  const total = A.reduce((sum, a, i) => {
    const d = a - (B[i] as number);
    return sum + (d > 0 ? Math.log1p(Math.exp(-d)) : -d + Math.log1p(Math.exp(d)));
  }, 0);
  assertAlmostEquals(sums["nll"]?.[0] as number, total, 1e-12);
  assertEquals(sums["correct"]?.[0], 2.5);
  A.forEach((a, i) => {
    const slope = -1 / (1 + Math.exp(a - (B[i] as number)));
    assertAlmostEquals(da[i] as number, slope, 1e-12);
    assertAlmostEquals(db[i] as number, -slope, 1e-12);
  });
});

Deno.test("squaredError() is the sum of the squared differences", async () => {
  const { sums, da, db } = await computed(squaredError);
  const total = A.reduce((sum, a, i) => sum + (a - (B[i] as number)) ** 2, 0);
  assertAlmostEquals(sums["squared_error"]?.[0] as number, total, 1e-9);
  A.forEach((a, i) => {
    assertAlmostEquals(da[i] as number, 2 * (a - (B[i] as number)), 1e-12);
    assertAlmostEquals(db[i] as number, -2 * (a - (B[i] as number)), 1e-12);
  });
});
