/**
 * Holds an op's vjp against central differences, on the reference device in f64. The loss is the
 * sum of the op's outputs, each weighted by fixed random numbers.
 */
import { assert } from "@std/assert";
import { sum } from "../../../kernels/reduce/sum.ts";
import { pointwise } from "../../../kernels/pointwise/pointwise.ts";
import { fold, rootKey, uniforms } from "../../../src/base/random.ts";
import { sizeOf } from "../../../src/base/shape.ts";
import { ArrayMemory, openReference } from "../../../src/device/reference.ts";
import type { Expr } from "../../../src/graph/formula.ts";
import { add, formula, mul } from "../../../src/graph/formula.ts";
import { gradients } from "../../../src/graph/reverse.ts";
import { applyAll, newTrace } from "../../../src/graph/trace.ts";
import type { Case, Graph, Op, Tensor } from "../../../src/graph/types.ts";
import { compile } from "../../../src/plan/compile.ts";
import { randomInputs } from "../../../src/testing/cases.ts";

/** Step of a difference: its cut-off and rounding errors are both about 1e-10 here. */
const STEP = 2 ** -15;
const RELATIVE = 1e-6;
/** Elements of an input that are compared. */
const SAMPLES = 40;

const TIMES = formula(2, (x, y) => mul(x as Expr, y as Expr));
const PLUS = formula(2, (x, y) => add(x as Expr, y as Expr));
const plus = (a: Tensor, b: Tensor): Tensor => pointwise(PLUS, [a, b]);

/** Sum over `outputs` of the output times random numbers. */
function weightedLoss(outputs: readonly Tensor[]): Tensor {
  const parts = outputs.map((t, k) => {
    const weights = uniforms(fold(rootKey(2), k), sizeOf(t.shape), [-1, 1]);
    return sum(pointwise(TIMES, [t, t.trace.constant(t.shape, weights)]));
  });
  return parts.reduce(plus);
}

/** Up to `SAMPLES` indices below `n`, spread evenly, the first and last among them. */
function sampled(n: number): number[] {
  if (n <= SAMPLES) return Array.from({ length: n }, (_, i) => i);
  return Array.from({ length: SAMPLES }, (_, i) => Math.floor(i * (n - 1) / (SAMPLES - 1)));
}

/** Copies the case's values into the slots of the inputs. */
function writeInputs(memory: ArrayMemory, test: Case): void {
  randomInputs(test).forEach(({ data }, i) => {
    if (data instanceof Uint32Array) memory.write(`x${i}`, data);
    else memory.floats(`x${i}`).set(data);
  });
}

/**
 * Asserts that the gradients of `test`'s f32 inputs (or of `inputs` alone), taken by the op's vjp,
 * are the slopes of a loss over `outputs` (the first one unless told), to 1e-6 of the largest.
 */
export async function checkVjp(
  op: Op,
  test: Case,
  { inputs, outputs = [0] }: { inputs?: readonly number[]; outputs?: readonly number[] } = {},
): Promise<void> {
  const trace = newTrace();
  const sources = test.inputs.map((spec, i) => trace.source(spec, "batch", `x${i}`));
  const made = applyAll(op, sources, test.attrs);
  const loss = weightedLoss(outputs.map((k) => made[k] as Tensor));
  const checked = inputs ?? sources.flatMap(({ dtype }, i) => dtype === "f32" ? [i] : []);
  const seed = trace.constant([1], Float32Array.of(1));
  const flows = gradients(loss, checked.map((i) => sources[i] as Tensor), { seed, add: plus });

  const device = openReference({ precision: "f64" });
  const memory = device.memory() as ArrayMemory;
  const load = (results: Graph["results"]) => {
    const { calls, constants } = trace;
    return device.load(compile({ calls, constants, results }, { fuse: false }), memory);
  };
  const forward = await load({ loss });
  const lossNow = (): number => {
    forward.run();
    return memory.floats("loss")[0] as number;
  };
  for (const [place, i] of checked.entries()) {
    const flow = flows[place];
    assert(flow !== undefined, `no gradient flows to input ${i} of ${op.name}`);
    const backward = await load({ [`dx${i}`]: flow });
    writeInputs(memory, test);
    backward.run();
    const slopes = Float64Array.from(memory.floats(`dx${i}`).subarray(0, sizeOf(flow.shape)));
    const values = memory.floats(`x${i}`);
    assert(slopes.length === sizeOf(test.inputs[i]?.shape ?? []), `gradient ${i} has its shape`);
    const largest = slopes.reduce((m, v) => Math.max(m, Math.abs(v)), 0);
    assert(largest > 0, `the gradient of input ${i} of ${op.name} is zero everywhere`);
    for (const at of sampled(slopes.length)) {
      const value = values[at] as number;
      values[at] = value + STEP;
      const above = lossNow();
      values[at] = value - STEP;
      const below = lossNow();
      values[at] = value;
      const want = (above - below) / (2 * STEP);
      const got = slopes[at] as number;
      assert(
        Math.abs(got - want) <= RELATIVE * largest,
        `gradient ${i} of ${op.name} at ${at}: ${got} instead of ${want}, largest ${largest}`,
      );
    }
  }
}
