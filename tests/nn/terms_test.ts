/** Loss terms besides classification: values and gradients against their definitions. */
import { assertAlmostEquals, assertEquals } from "@std/assert";
import { IGNORE } from "../../src/base/ignore.ts";
import { openReference } from "../../src/device/reference.ts";
import { newTrace } from "../../src/graph/trace.ts";
import type { Tensor } from "../../src/graph/types.ts";
import {
  type LossTerms,
  preference,
  smoothedClassification,
  squaredError,
} from "../../src/nn/terms.ts";
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

Deno.test("smoothed labels spread their share over all classes, and rows without a label count 0", async () => {
  const [rows, classes, smoothing] = [4, 5, 0.2];
  const logits = Float64Array.from({ length: rows * classes }, (_, i) => Math.sin(3 * i));
  const labels = Uint32Array.of(2, IGNORE, 0, 4);
  const trace = newTrace();
  const x = trace.source({ shape: [rows, classes], dtype: "f32" }, "batch", "x");
  const targets = trace.source({ shape: [rows], dtype: "u32" }, "batch", "labels");
  const head = { x, weights: [], classes, logits: (rows: Tensor) => rows };
  const terms = smoothedClassification(head, targets, smoothing);
  assertEquals(Object.entries(terms).map(([name, { weight }]) => [name, weight]), [
    ["smoothed", 1],
    ["nll", 0],
    ["correct", 0],
  ]);
  const device = openReference({ precision: "f64" });
  const sums = await runTrace(device, evaluateTerms(terms), { x: logits, labels });
  let [smoothed, nll] = [0, 0];
  labels.forEach((label, row) => {
    if (label === IGNORE) return;
    const own = logits.subarray(row * classes, (row + 1) * classes);
    const log = Math.log(own.reduce((sum, z) => sum + Math.exp(z), 0));
    own.forEach((z, k) => {
      const wanted = smoothing / classes + (k === label ? 1 - smoothing : 0);
      smoothed -= wanted * (z - log);
    });
    nll -= (own[label] as number) - log;
  });
  assertAlmostEquals(sums["smoothed"]?.[0] as number, smoothed, 1e-12);
  assertAlmostEquals(sums["nll"]?.[0] as number, nll, 1e-12);
});
