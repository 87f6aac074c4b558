/**
 * Runs plans of random ops with random sizes on the CPU device, with bounds checks: no kernel traps,
 * results match the references, and inputs stay as they were.
 */
import { assert, assertEquals } from "@std/assert";
import { OPS } from "../../kernels/mod.ts";
import { pointwiseOp } from "../../kernels/pointwise/mod.ts";
import { maxOf } from "../../src/base/extremes.ts";
import { sizeOf } from "../../src/base/shape.ts";
import { openCpu } from "../../src/device/cpu.ts";
import { openReference } from "../../src/device/reference.ts";
import type { Device } from "../../src/device/types.ts";
import { add, formula, mul, tanh } from "../../src/graph/formula.ts";
import { apply, applyAll, newTrace } from "../../src/graph/trace.ts";
import type { Case, Op, Spec, Tensor } from "../../src/graph/types.ts";
import { compile } from "../../src/plan/compile.ts";
import type { Plan } from "../../src/plan/types.ts";
import { caseName, randomInputs } from "../../src/testing/cases.ts";
import { tolerance } from "../../src/testing/tolerance.ts";
import { dice } from "../fuzz/dice.ts";
import { randomCase } from "./random_cases.ts";

const SEED = 20;
/** Calls of each op, and of each plan. */
const [ROUNDS, CALLS] = [12, 4];
const WITH_KERNELS = OPS.filter(({ wasm }) => wasm !== undefined);
/** Of y: |y| grows by half at most, so that errors do. */
const AFTER = formula(1, (y) => add(y, mul(tanh(y), 0.5)));

/** What one call of a plan writes, and how far it may be from its reference. */
interface Result {
  readonly slot: string;
  readonly spec: Spec;
  readonly terms: number;
  /** Magnitude of the inputs: a loss is a small difference of numbers that are as large as logits. */
  readonly scale: number;
  /** Largest growth of errors by what follows. */
  readonly growth: number;
}

interface RandomPlan {
  readonly name: string;
  readonly plan: Plan;
  readonly inputs: readonly {
    readonly slot: string;
    readonly spec: Spec;
    readonly data: Float32Array | Uint32Array;
    readonly isKept: boolean;
  }[];
  readonly results: readonly Result[];
}

/** The largest finite magnitude. */
function largestOf(values: Iterable<number>): number {
  let most = 0;
  for (const value of values) if (Number.isFinite(value)) most = Math.max(most, Math.abs(value));
  return most;
}

/** A plan of independent calls, some with an elementwise call that the plan may fuse. */
function planOfCases(cases: readonly { readonly op: Op; readonly test: Case }[]): RandomPlan {
  const trace = newTrace();
  const [inputs, results]: [RandomPlan["inputs"][number][], Result[]] = [[], []];
  const named: Record<string, Tensor> = {};
  cases.forEach(({ op, test }, c) => {
    const donated = op.donate?.(test.attrs) ?? [];
    const views = randomInputs(test);
    const scale = maxOf(views.map((view) => view.dtype === "f32" ? largestOf(view.data) : 0));
    const sources = views.map((view, i) => {
      const slot = `x${c}_${i}`;
      const spec = test.inputs[i] as Spec;
      const data = view.data instanceof Float64Array ? Float32Array.from(view.data) : view.data;
      inputs.push({ slot, spec, data, isKept: !donated.includes(i) });
      return trace.source(spec, "batch", slot);
    });
    const outputs = applyAll(op, sources, test.attrs);
    const { terms } = op.cost({ inputs: test.inputs, outputs }, test.attrs);
    outputs.forEach((y, k) => {
      const place = donated[k];
      const slot = place === undefined ? `y${c}_${k}` : `x${c}_${place}`;
      if (place === undefined) named[slot] = y;
      results.push({ slot, spec: y, terms, scale, growth: 1 });
      if (place !== undefined || y.dtype !== "f32" || (c + k) % 2 === 0) return;
      named[`z${c}_${k}`] = apply(pointwiseOp, [y], { formula: AFTER });
      results.push({ slot: `z${c}_${k}`, spec: y, terms, scale, growth: 2 });
    });
  });
  const { calls, constants } = trace;
  return {
    name: cases.map(({ op, test }) => caseName(op, test)).join(" / "),
    plan: compile({ calls, constants, results: named }),
    inputs,
    results,
  };
}

/** Runs a plan; returns the words of its results, after asserting that its inputs are kept. */
async function run(device: Device, { plan, inputs, results }: RandomPlan): Promise<Float32Array[]> {
  const memory = device.memory();
  const program = await device.load(plan, memory);
  for (const { slot, data, spec } of inputs) {
    memory.ensure(slot, sizeOf(spec.shape));
    memory.write(slot, data);
  }
  program.run();
  const read = (slot: string, { shape }: Spec) =>
    memory.read([{ slot, offset: 0, length: sizeOf(shape) }]);
  for (const { slot, data, spec, isKept } of inputs) {
    if (!isKept) continue;
    const words = new Uint32Array(data.buffer, data.byteOffset, data.length);
    const after = new Uint32Array((await read(slot, spec)).buffer);
    assert(words.every((word, i) => word === after[i]), `input ${slot} changed`);
  }
  return Promise.all(results.map(({ slot, spec }) => read(slot, spec)));
}

function assertClose(
  got: Float32Array,
  want: Float32Array,
  { slot, spec, terms, scale, growth }: Result,
) {
  assertEquals(got.length, want.length);
  if (spec.dtype === "u32") {
    const [a, b] = [new Uint32Array(got.buffer), new Uint32Array(want.buffer)];
    assert(a.every((word, i) => word === b[i]), slot);
    return;
  }
  const bound = growth * tolerance(terms, Math.max(scale, largestOf(want)));
  got.forEach((v, i) => {
    const expected = want[i] as number;
    if (Object.is(v, expected)) return;
    const error = Math.abs(v - expected);
    assert(error <= bound, `${slot} at ${i}: ${v} instead of ${expected}, bound ${bound}`);
  });
}

/** Plans with ROUNDS random cases of each op in random order. */
function* randomPlans(): Generator<RandomPlan> {
  const all = WITH_KERNELS.flatMap((op, k) =>
    Array.from({ length: ROUNDS }, (_, round) => ({
      op,
      test: randomCase(op, SEED, ROUNDS * k + round),
    }))
  );
  const roll = dice(SEED, 2 ** 20);
  const order = all.map((each) => ({ each, at: roll(2 ** 30) })).sort((a, b) => a.at - b.at);
  for (let at = 0; at < order.length; at += CALLS) {
    yield planOfCases(order.slice(at, at + CALLS).map(({ each }) => each));
  }
}

/** Names the plan where one fails. */
async function named({ name }: RandomPlan, action: () => Promise<unknown>): Promise<void> {
  try {
    await action();
  } catch (error) {
    throw new Error(`Cannot run the plan of ${name}`, { cause: error });
  }
}

Deno.test("random plans compute what their references do, to the same bits on all tiles", async () => {
  const reference = openReference();
  let count = 0;
  for (const random of randomPlans()) {
    await named(random, async () => {
      const [got, paired, want] = [
        await run(openCpu(), random),
        await run(openCpu({ pairs: true }), random),
        await run(reference, random),
      ];
      const unfused = await run(openCpu({ fuses: false }), random);
      random.results.forEach((result, k) => {
        assertClose(got[k] as Float32Array, want[k] as Float32Array, result);
        assertClose(unfused[k] as Float32Array, want[k] as Float32Array, result);
        assertEquals(got[k], paired[k], `${result.slot} by pairs`);
      });
    });
    count += random.results.length;
  }
  assert(count >= ROUNDS * WITH_KERNELS.length);
});

Deno.test("indices from data that are out of range never leave their areas", async () => {
  for (const random of randomPlans()) {
    const wild = random.inputs.map((input) => {
      const { data } = input;
      if (!(data instanceof Uint32Array)) return input;
      return {
        ...input,
        data: data.map((_, i) => [2 ** 32 - 1, 2 ** 31, i, 2 ** 20][i % 4] as number),
      };
    });
    await named(random, () => run(openCpu(), { ...random, inputs: wild }));
  }
});
