/**
 * Gradients of the composed ops of the op table, and of the ops that compositions are made of:
 * against differences, and where a composed op has a vjp of its own, against the derivative of the
 * composition.
 */
import { assert, assertGreater, assertThrows } from "@std/assert";
import { OPS } from "../../kernels/mod.ts";
import { batchedMatmulOp } from "../../kernels/matmul/mod.ts";
import { permuteOp } from "../../kernels/permute/mod.ts";
import { pointwise } from "../../kernels/pointwise/mod.ts";
import { reshapeOp } from "../../kernels/shape/mod.ts";
import { rmsNormOp } from "../../kernels/rms_norm/mod.ts";
import { broadcastLastOp, rowMaxOp, rowSum, rowSumOp, sum } from "../../kernels/reduce/mod.ts";
import { softmaxOp } from "../../kernels/softmax/mod.ts";
import { openReference } from "../../src/device/reference.ts";
import type { Expr } from "../../src/graph/formula.ts";
import { formula, mul } from "../../src/graph/formula.ts";
import { apply, applyAll, newTrace } from "../../src/graph/trace.ts";
import type { Case, Op, Spec, Tensor } from "../../src/graph/types.ts";
import { sizeOf } from "../../src/base/shape.ts";
import { caseName, randomInputs } from "../../src/testing/cases.ts";
import { checkVjp } from "../support/graph/differences.ts";
import { gradientsOf, runTrace, weightedSum } from "../support/graph/run_trace.ts";

const f32 = (...shape: number[]): Spec => ({ shape, dtype: "f32" });

/** Most elements of an input for which differences are taken. */
const SMALL = 2000;

/** Cases of an op that are small, with values near zero. */
function smallCases({ cases }: Op): Case[] {
  return cases.filter(({ kind, inputs }) =>
    kind !== "bench" && inputs.every(({ shape }) => sizeOf(shape) <= SMALL)
  ).map((test) => ({ ...test, range: { ...test.range, 0: [-1, 1.5] } }));
}

const COMPOSED = OPS.filter(({ compose }) => compose !== undefined);

Deno.test("the op table has compositions, with and without kernels of their own", () => {
  assertGreater(COMPOSED.filter(({ isExpanded }) => isExpanded).length, 0);
  assertGreater(COMPOSED.filter(({ isExpanded }) => !isExpanded).length, 0);
});

const OTHERS = [rowSumOp, rowMaxOp, broadcastLastOp, permuteOp, reshapeOp, batchedMatmulOp];

for (const op of [...COMPOSED, ...OTHERS]) {
  Deno.test(`the gradients of ${op.name} match differences`, async () => {
    const ragged = smallCases(op).filter(({ kind, inputs, attrs }) =>
      kind === "ragged" && attrs.epilogue === undefined &&
      inputs.every(({ dtype }) => dtype === "f32")
    );
    assertGreater(ragged.length, 0, `${op.name} has a small ragged case`);
    for (const test of ragged) await checkVjp(op, test);
  });
}

/** Gradients of a weighted sum of output 0 by all inputs, in f64. */
async function gradientsBy(op: Op, test: Case): Promise<Record<string, Float64Array>> {
  const trace = newTrace();
  const sources = test.inputs.map((spec, i) => trace.source(spec, "batch", `x${i}`));
  const [y] = applyAll(op, sources, test.attrs) as [Tensor];
  const weights = randomInputs({ ...test, inputs: [y], range: {} })[0]?.data as Float32Array;
  const wanted = Object.fromEntries(sources.map((t, i) => [`dx${i}`, t]));
  const flows = gradientsOf(weightedSum([[y, weights]]), wanted);
  const values = Object.fromEntries(randomInputs(test).map(({ data }, i) => [`x${i}`, data]));
  return await runTrace(openReference({ precision: "f64" }), flows, values);
}

const HAND_WRITTEN = COMPOSED.filter(({ vjp }) => vjp !== undefined);

Deno.test("some composed ops have a vjp written by hand", () =>
  assertGreater(HAND_WRITTEN.length, 0));

for (const op of HAND_WRITTEN) {
  Deno.test(`the vjp of ${op.name} equals the derivative of its composition`, async () => {
    const { vjp: _, ...composed } = op;
    for (const test of smallCases(op)) {
      const [by, from] = [await gradientsBy(op, test), await gradientsBy(composed, test)];
      for (const [name, want] of Object.entries(from)) {
        const largest = want.reduce((m, v) => Math.max(m, Math.abs(v)), 1e-3);
        by[name]?.forEach((v, i) => {
          const error = Math.abs(v - (want[i] as number));
          assert(error <= 1e-12 * largest, `${caseName(op, test)} ${name}: ${v}, ${want[i]}`);
        });
      }
    }
  });
}

Deno.test("the largest elements of a row share its gradient evenly", async () => {
  const trace = newTrace();
  const x = trace.source(f32(2, 3), "batch", "x");
  const { dx } = gradientsOf(sum(apply(rowMaxOp, [x])), { dx: x });
  const device = openReference({ precision: "f64" });
  const result = await runTrace(device, { dx: dx as Tensor }, { x: [1, 4, 4, 7, -1, 2] });
  assert([0, 0.5, 0.5, 1, 0, 0].every((v, i) => result.dx?.[i] === v));
});

Deno.test("softmax of equal logits is uniform, however large they are", async () => {
  const trace = newTrace();
  const x = trace.source(f32(2, 4), "batch", "x");
  const large = [1e30, 1e30, 1e30, 1e30, -1e30, -1e30, -1e30, -1e30];
  const { y } = await runTrace(openReference(), { y: apply(softmaxOp, [x]) }, { x: large });
  assert(y?.every((v) => v === 0.25));
});

Deno.test("a row factor [..., 1] has the sums over rows as its gradient", async () => {
  const trace = newTrace();
  const [x, s] = [trace.source(f32(2, 3), "batch", "x"), trace.source(f32(2, 1), "batch", "s")];
  const times = formula(2, (a, b) => mul(a as Expr, b as Expr));
  const y = pointwise(times, [x, s]);
  const { ds } = gradientsOf(sum(y), { ds: s });
  const values = { x: [1, 2, 3, 4, 5, 6], s: [10, 100] };
  const result = await runTrace(openReference(), { y, ds: ds as Tensor, r: rowSum(y) }, values);
  assert([10, 20, 30, 400, 500, 600].every((v, i) => result.y?.[i] === v));
  assert([6, 15].every((v, i) => result.ds?.[i] === v));
  assert([60, 1500].every((v, i) => result.r?.[i] === v));
});

Deno.test("rms_norm rejects a gradient of its rstd", () => {
  const trace = newTrace();
  const inputs = [trace.source(f32(3, 4), "batch", "x"), trace.source(f32(4), "param", "g")];
  const outputs = applyAll(rmsNormOp, inputs, { eps: 0 });
  assertThrows(
    () => rmsNormOp.vjp?.({ inputs, outputs }, [undefined, outputs[1]], { eps: 0 }),
    RangeError,
    "only y has a gradient",
  );
});
