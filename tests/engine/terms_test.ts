/** Losses of several terms: each is added, differentiated and reported exactly. */
import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { crossEntropy } from "../../kernels/cross_entropy/mod.ts";
import { sum } from "../../kernels/reduce/mod.ts";
import { openReference } from "../../src/device/reference.ts";
import { newTrace } from "../../src/graph/trace.ts";
import type { Tensor } from "../../src/graph/types.ts";
import { outputHead } from "../../src/nn/head.ts";
import { layerNorm, scaled } from "../../src/nn/layers.ts";
import { newScope } from "../../src/nn/scope.ts";
import { classification, type LossTerms, type Term } from "../../src/nn/terms.ts";
import { differentiate, evaluateTerms } from "../../src/engine/loss.ts";
import { runTrace } from "../support/graph/run_trace.ts";
import { rootKey, uniforms } from "../../src/base/random.ts";

const [ROWS, WIDTH, CLASSES] = [6, 4, 5];
const STEP = 1e-5;

/** A head over [R, D] with a classification, a second sum over the same logits, and a penalty. */
function traced() {
  const trace = newTrace();
  const { scope, params } = newScope(trace, { training: true });
  const x = trace.source({ shape: [ROWS, WIDTH], dtype: "f32" }, "batch", "x");
  const labels = trace.source({ shape: [ROWS], dtype: "u32" }, "batch", "labels");
  const head = outputHead(scope.in("head"), layerNorm(scope.in("norm"), x), { classes: CLASSES });
  const half = (logits: Tensor, own: Tensor) => crossEntropy(scaled(logits, 0.5), own);
  const penalty = sum(scaled(head.x, 0.1));
  const terms: LossTerms = {
    ...classification(head, labels),
    soft: { sum: { head, labels, of: half }, per: "targets", weight: 0.25 },
    penalty: { sum: penalty, per: "micro_batches", weight: -2 },
  };
  return { trace, params, terms };
}

const share = (total: Tensor, { per }: Pick<Term, "per">) =>
  scaled(total, per === "targets" ? 1 / ROWS : 1 / 3);

const INPUTS = {
  x: uniforms(rootKey(1), ROWS * WIDTH, [-1, 1]),
  labels: Uint32Array.of(0, 1, 2, 3, 4, 0),
  "norm.weight": uniforms(rootKey(2), WIDTH, [0.5, 1.5]),
  "norm.bias": uniforms(rootKey(3), WIDTH, [-1, 1]),
  "head.weight": uniforms(rootKey(4), WIDTH * CLASSES, [-1, 1]),
  "head.bias": uniforms(rootKey(5), CLASSES, [-1, 1]),
};

async function values(most?: number, inputs: typeof INPUTS = INPUTS) {
  const { trace, params, terms } = traced();
  const wanted = params.map(({ tensor }) => tensor);
  const options = { trace, share, wanted, ...most !== undefined && { most } };
  const { loss, shares, flows } = differentiate(terms, options);
  const grads = params.map(({ name }, i) => [`grad:${name}`, flows[i] as Tensor]);
  const results = { loss, ...shares, ...Object.fromEntries(grads) };
  return await runTrace(openReference({ precision: "f64" }), results, inputs);
}

for (const [how, most] of Object.entries({ whole: undefined, chunked: 4 * CLASSES * 2 })) {
  Deno.test(`a loss of several terms is their weighted sum, with its gradient: ${how}`, async () => {
    const got = await values(most);
    const of = (name: string) => got[name]?.[0] as number;
    assertAlmostEquals(of("loss"), of("nll") + 0.25 * of("soft") - 2 * of("penalty"), 1e-12);
    assert(!("correct" in got));
    for (const name of ["norm.weight", "norm.bias", "head.weight", "head.bias"] as const) {
      for (const i of [0, INPUTS[name].length - 1]) {
        const [up, down] = await Promise.all([STEP, -STEP].map(async (step) => {
          const moved = Float64Array.from(INPUTS[name]);
          moved[i] = (moved[i] as number) + step;
          return (await values(most, { ...INPUTS, [name]: moved }))["loss"]?.[0] as number;
        }));
        const slope = ((up as number) - (down as number)) / 2 / STEP;
        assertAlmostEquals(got[`grad:${name}`]?.[i] as number, slope, 1e-8, name);
      }
    }
  });
}

Deno.test("chunks of rows change no value of a loss of several terms", async () => {
  const [whole, chunked] = [await values(), await values(4 * CLASSES * 2)];
  assertEquals(Object.keys(chunked), Object.keys(whole));
  for (const [name, data] of Object.entries(whole)) {
    data.forEach((value, i) =>
      assertAlmostEquals(chunked[name]?.[i] as number, value, 1e-13, name)
    );
  }
});

Deno.test("an evaluation has every term, those without a weight too", async () => {
  for (const most of [undefined, 4 * CLASSES * 2]) {
    const { terms } = traced();
    const sums = evaluateTerms(terms, most === undefined ? {} : { most });
    assertEquals(Object.keys(sums), ["nll", "correct", "soft", "penalty"]);
    const got = await runTrace(openReference({ precision: "f64" }), sums, INPUTS);
    const want = await values();
    assertAlmostEquals((got["nll"]?.[0] as number) / ROWS, want["nll"]?.[0] as number, 1e-12);
    assert(Number.isInteger(got["correct"]?.[0]));
  }
});

Deno.test("a loss names what is no term", () => {
  const { trace, terms: { correct, nll } } = traced();
  const options = { trace, share, wanted: [] };
  const none = { correct: correct as Term };
  assertThrows(() => differentiate(none, options), RangeError, "no term of the loss has a weight");
  const rows = trace.source({ shape: [2], dtype: "f32" }, "batch", "rows");
  const wide = { wide: { sum: rows, per: "targets", weight: 1 } } as const;
  assertThrows(() => differentiate(wide, options), RangeError, "wide: need a sum f32 [1]: f32 [2]");
  const { sum: own } = nll as Term;
  const few = { few: { ...nll as Term, sum: { ...own as object, labels: rows } as typeof own } };
  assertThrows(() => differentiate(few, options), RangeError, "a label for each of 6 rows: [2]");
});
