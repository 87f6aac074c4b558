/** One optimizer step as two plans: AdamW, decay and clipping against plain loops in f64. */
import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { fold, rootKey, uniforms } from "../../src/base/random.ts";
import { ArrayMemory, openReference } from "../../src/device/reference.ts";
import type { Device, Memory, Program } from "../../src/device/types.ts";
import { openWebGpu } from "../../src/device/webgpu.ts";
import { adamw, type AdamWConfig, adamwSchema } from "../../src/optim/adamw.ts";
import { GRAD_NORM } from "../../src/optim/clip.ts";
import type { UpdateRange, UpdateSpan } from "../../src/optim/types.ts";
import { inspectGraph, NON_FINITE, type SpanGraph, updateGraph } from "../../src/optim/update.ts";
import { compile } from "../../src/plan/compile.ts";
import type { Plan } from "../../src/plan/types.ts";
import { checkPlan } from "../support/graph/plan_laws.ts";
import { pointwise, pointwiseOp } from "../../kernels/pointwise/mod.ts";
import { applyAll, newTrace } from "../../src/graph/trace.ts";
import type { Expr } from "../../src/graph/formula.ts";
import { add, div, formula, min } from "../../src/graph/formula.ts";
import { onDevice, onGpu, REFERENCE_AND_GPU } from "../support/gpu.ts";

const RANGES: readonly UpdateRange[] = [
  { length: 192, decay: true, lrScale: 1 },
  { length: 64, decay: false, lrScale: 1 },
  { length: 128, decay: true, lrScale: 0.25 },
];
/** The last range is in its own bucket. */
const RUNS: readonly UpdateSpan[] = [RANGES.slice(0, 2), RANGES.slice(2)];
const PLACES = [[0, 0], [0, 192], [1, 0]] as const;
const STEPS = 20;

type Vectors = Readonly<Record<"param" | "m" | "v", readonly Float64Array[]>>;

/** The gradient of a step; every fifth step's is large enough to be clipped at 1. */
function gradientAt(step: number): Float64Array[] {
  const size = step % 5 === 4 ? 3 : 0.05;
  return RANGES.map(({ length }, i) =>
    Float64Array.from(uniforms(fold(rootKey(step), i), length, [-size, size]))
  );
}

function first(): Vectors {
  const zeros = () => RANGES.map(({ length }) => new Float64Array(length));
  const param = RANGES.map(({ length }, i) =>
    Float64Array.from(uniforms(fold(rootKey(99), i), length, [-1, 1]))
  );
  return { param, m: zeros(), v: zeros() };
}

function normOf(gradient: readonly Float64Array[]): number {
  return Math.sqrt(gradient.flatMap((g) => [...g]).reduce((sum, x) => sum + x * x, 0));
}

/**
 * AdamW as algorithm 2 of the paper writes it, with the rate for both of its factors; a range's own
 * rate is a factor of the first alone.
 */
function plainStep({ param, m, v }: Vectors, step: number, config: AdamWConfig): void {
  const { beta1, beta2, eps, weight_decay, clip } = config;
  const gradient = gradientAt(step);
  const { lr = NaN } = adamw.scalarsAt(step, config);
  const factor = clip === 0 ? 1 : Math.min(1, clip / (normOf(gradient) + 1e-6));
  RANGES.forEach(({ length, decay, lrScale }, r) => {
    const [p, first, second] = [param[r], m[r], v[r]] as [Float64Array, Float64Array, Float64Array];
    for (let i = 0; i < length; i++) {
      const g = (gradient[r]?.[i] as number) * factor;
      first[i] = beta1 * (first[i] as number) + (1 - beta1) * g;
      second[i] = beta2 * (second[i] as number) + (1 - beta2) * g * g;
      const mHat = (first[i] as number) / (1 - beta1 ** (step + 1));
      const vHat = (second[i] as number) / (1 - beta2 ** (step + 1));
      const pull = decay ? weight_decay * (p[i] as number) : 0;
      p[i] = (p[i] as number) - lr * (lrScale * mHat / (Math.sqrt(vHat) + eps) + pull);
    }
  });
}

/** A graph over spans as a plan: span k of a vector is the slot `<vector>:<k>`. */
function planOf({ graph, sources }: SpanGraph): Plan {
  const places = new Map(sources.map(({ tensor, vector, span, offset }) => {
    return [tensor, { slot: `${vector}:${span}`, role: tensor.role, offset }];
  }));
  return compile(graph, { source: (t) => places.get(t) });
}

/** Both plans of a step, in order. */
async function programOf(config: AdamWConfig, device: Device, memory: Memory): Promise<Program> {
  const update = updateGraph(RUNS, { optimizer: adamw, config });
  const programs = [
    await device.load(planOf(inspectGraph(RUNS)), memory),
    await device.load(planOf(update), memory),
  ];
  return { run: () => programs.forEach((program) => program.run()) };
}

/** Writes one range of a vector. */
function write(memory: Memory, vector: string, r: number, data: Float64Array | Float32Array) {
  const [run, offset] = PLACES[r] as typeof PLACES[number];
  memory.write(`${vector}:${run}`, Float32Array.from(data), offset);
}

/** One range of a vector, in place. */
function range(memory: Memory, vector: string, r: number): Float32Array | Float64Array {
  const [run, offset] = PLACES[r] as typeof PLACES[number];
  const { length } = RANGES[r] as UpdateRange;
  return (memory as ArrayMemory).floats(`${vector}:${run}`).subarray(offset, offset + length);
}

async function load(config: AdamWConfig, device = openReference({ precision: "f64" })) {
  const memory = device.memory();
  const program = await programOf(config, device, memory);
  first().param.forEach((p, r) => write(memory, "param", r, p));
  const step = (number: number) => {
    for (const [name, value] of Object.entries(adamw.scalarsAt(number, config))) {
      if (memory instanceof ArrayMemory) memory.floats(name)[0] = value;
      else memory.write(name, Float32Array.of(value));
    }
    gradientAt(number).forEach((g, r) => write(memory, "grad", r, g));
    program.run();
  };
  return { memory, step };
}

function configOf(input: Partial<AdamWConfig> = {}): AdamWConfig {
  const common = { lr: 0.05, min_lr: 0.01, warmup_steps: 3, decay_steps: 15, weight_decay: 0.3 };
  return adamwSchema.parse({ kind: "adamw", ...common, ...input });
}

for (const [name, input] of Object.entries({ plain: {}, "without clipping": { clip: 0 } })) {
  Deno.test(`20 steps equal AdamW in plain loops: ${name}`, async () => {
    const config = configOf(input);
    const { memory, step } = await load(config);
    const want = first();
    for (let i = 0; i < STEPS; i++) {
      step(i);
      plainStep(want, i, config);
    }
    for (const vector of ["param", "m", "v"] as const) {
      want[vector].forEach((values, r) => {
        const got = range(memory, vector, r);
        values.forEach((v, i) => assertAlmostEquals(got[i] as number, v, 1e-12, `${vector} ${i}`));
      });
    }
  });
}

Deno.test(onGpu("20 steps on the GPU stay close to AdamW in plain loops"), async () => {
  const config = configOf();
  const device = await openWebGpu({ runtime: Deno.version.deno });
  const { memory, step } = await load(config, device);
  const want = first();
  for (let i = 0; i < STEPS; i++) {
    step(i);
    plainStep(want, i, config);
  }
  for (const [r, values] of want.param.entries()) {
    const [run, offset] = PLACES[r] as typeof PLACES[number];
    const got = await memory.read([{ slot: `param:${run}`, offset, length: values.length }]);
    // A step changes a parameter by about lr, so 20 steps accumulate about 20 roundings of lr.
    values.forEach((v, i) => assertAlmostEquals(got[i] as number, v, 2e-6));
  }
  device.close();
});

Deno.test("weight decay applies to decayed ranges only", async () => {
  const [on, off] = [configOf(), configOf({ weight_decay: 0 })];
  const runs = [await load(on), await load(off)];
  runs.forEach(({ step }) => step(0));
  const [a, b] = runs.map(({ memory }) => memory) as [Memory, Memory];
  const { lr = 0 } = adamw.scalarsAt(0, on);
  first().param[0]?.forEach((p, i) => {
    const pull = (range(b, "param", 0)[i] as number) - (range(a, "param", 0)[i] as number);
    assertAlmostEquals(pull, lr * on.weight_decay * p, 1e-14);
  });
  assertEquals(range(a, "param", 1), range(b, "param", 1));
});

Deno.test("the norm is that of the whole gradient before clipping", async () => {
  for (const clip of [0, 1, 100]) {
    const { memory, step } = await load(configOf({ clip }));
    for (const at of [0, 4]) {
      step(at);
      const [norm] = (memory as ArrayMemory).floats(GRAD_NORM);
      assertAlmostEquals(norm as number, normOf(gradientAt(at)), 1e-12);
    }
  }
});

Deno.test("clipping scales a gradient above the limit to it, and keeps a smaller one", async () => {
  const moment = async (clip: number, at: number) => {
    const { memory, step } = await load(configOf({ clip, beta1: 0 }));
    step(at);
    return range(memory, "m", 0).slice();
  };
  const long = gradientAt(4);
  const norm = normOf(long);
  assert(norm > 1 && normOf(gradientAt(0)) < 1);
  (await moment(1, 4)).forEach((m, i) =>
    assertAlmostEquals(m, (long[0]?.[i] as number) / (norm + 1e-6), 1e-12)
  );
  assertEquals([...await moment(0, 4)], [...long[0] ?? []]);
  assertEquals([...await moment(1, 0)], [...gradientAt(0)[0] ?? []]);
  assertEquals([...await moment(norm + 1e-3, 4)], [...long[0] ?? []]);
});

Deno.test("a zero gradient changes decayed ranges only, and gives no NaN", async () => {
  const config = configOf();
  const { memory, step } = await load(config);
  const arrays = memory as ArrayMemory;
  const program = await programOf(config, openReference({ precision: "f64" }), arrays);
  step(0);
  for (const r of RANGES.keys()) {
    for (const vector of ["grad", "m", "v"]) range(arrays, vector, r).fill(0);
  }
  const before = range(arrays, "param", 1).slice();
  program.run();
  assertEquals(range(arrays, "param", 1), before);
  assert([...range(arrays, "param", 0)].every(Number.isFinite));
  assertEquals(arrays.floats(GRAD_NORM)[0], 0);
});

Deno.test("the gradient check reads the gradient only, and writes norm and count", () => {
  const { slots, named } = planOf(inspectGraph(RUNS));
  const shared = slots.filter(({ role }) => role !== "local").map(({ name }) => name);
  assertEquals(shared.toSorted(), ["grad:0", "grad:1", GRAD_NORM, NON_FINITE]);
  assertEquals(named[NON_FINITE]?.dtype, "u32");
});

Deno.test("the update reads the norm of the gradient check, and only if it clips", () => {
  const slotsOf = (clip: number) => {
    const config = configOf({ clip });
    const update = updateGraph(RUNS, { optimizer: adamw, config });
    return planOf(update).slots.map(({ name }) => name);
  };
  assert(slotsOf(1).includes(GRAD_NORM));
  assert(!slotsOf(0).includes(GRAD_NORM));
});

for (const [place, open] of Object.entries(REFERENCE_AND_GPU)) {
  Deno.test(
    onDevice(
      place,
      `the gradient check counts non-finite elements of all ranges, again at each run, on ${place}`,
    ),
    async () => {
      const device = await open();
      const memory = device.memory();
      const program = await device.load(planOf(inspectGraph(RUNS)), memory);
      const inspect = async (...bad: [r: number, at: number, value: number][]) => {
        gradientAt(0).forEach((g, r) => write(memory, "grad", r, g));
        for (const [r, at, value] of bad) {
          const [run, offset] = PLACES[r] as typeof PLACES[number];
          memory.write(`grad:${run}`, Float32Array.of(value), offset + at);
        }
        program.run();
        const [norm = 0] = await memory.read([{ slot: GRAD_NORM, offset: 0, length: 1 }]);
        const count = await memory.read([{ slot: NON_FINITE, offset: 0, length: 1 }]);
        return [new Uint32Array(count.buffer, count.byteOffset, 1)[0], Number.isFinite(norm)];
      };
      assertEquals(await inspect(), [0, true]);
      assertEquals(await inspect([0, 191, NaN], [1, 0, -Infinity], [2, 127, NaN]), [3, false]);
      assertEquals(await inspect([1, 63, Infinity]), [1, false]);
      assertEquals(await inspect([0, 3, 1e30]), [0, false]);
      assertEquals(await inspect(), [0, true]);
      device.close();
    },
  );
}

/** An update with one call per range, after one for the clip factor. */
function rangeByRange(config: AdamWConfig): Plan {
  const trace = newTrace();
  const scalar = (name: string) => trace.source({ shape: [1], dtype: "f32" }, "scalar", name);
  const limit = formula(1, (norm) => min(1, div(config.clip, add(norm as Expr, 1e-6))));
  const factor = config.clip === 0
    ? trace.constant([1], Float32Array.of(1))
    : pointwise(limit, [scalar(GRAD_NORM)]);
  const scalars = adamw.scalars.map(scalar);
  RANGES.forEach(({ length, decay, lrScale }, r) => {
    const source = (vector: string) =>
      trace.source({ shape: [length], dtype: "f32" }, "moment", `${vector}/${r}`);
    const inputs = [source("grad"), factor, ...scalars, ...["param", "m", "v"].map(source)];
    const rule = adamw.update(config, { decay, lrScale });
    applyAll(pointwiseOp, inputs, { formula: rule, donate: [5, 6, 7] });
  });
  const { calls, constants } = trace;
  return compile({ calls, constants, results: {} }, {
    source: ({ name = "", role }) => {
      const [vector, r] = name.split("/");
      if (r === undefined) return undefined;
      const [run, offset] = PLACES[Number(r)] as typeof PLACES[number];
      return { slot: `${vector}:${run}`, role, offset };
    },
  });
}

Deno.test(onGpu("one call per span is bitwise equal to one call per range"), async () => {
  const device = await openWebGpu({ runtime: Deno.version.deno });
  for (const clip of [0, 1]) {
    const config = configOf({ clip });
    const update = planOf(updateGraph(RUNS, { optimizer: adamw, config }));
    assertEquals(update.calls.length, RUNS.length);
    const states: Float32Array[] = [];
    for (const plan of [rangeByRange(config), update]) {
      const memory = device.memory();
      const inspect = await device.load(planOf(inspectGraph(RUNS)), memory);
      const program = await device.load(plan, memory);
      first().param.forEach((p, r) => write(memory, "param", r, p));
      for (let at = 0; at < STEPS; at++) {
        for (const [name, value] of Object.entries(adamw.scalarsAt(at, config))) {
          memory.ensure(name, 1);
          memory.write(name, Float32Array.of(value));
        }
        gradientAt(at).forEach((g, r) => write(memory, "grad", r, g));
        inspect.run();
        program.run();
      }
      states.push(
        await memory.read(["param", "m", "v"].flatMap((vector) => [
          { slot: `${vector}:0`, offset: 0, length: 256 },
          { slot: `${vector}:1`, offset: 0, length: 128 },
        ])),
      );
    }
    assert(states[0]?.every(Number.isFinite));
    assertEquals(states[1], states[0]);
  }
  device.close();
});

Deno.test("the norm of many ranges is added in order, whatever number a call can bind", async () => {
  const many = Array.from(
    { length: 15 },
    (): UpdateSpan => [{ length: 64, decay: true, lrScale: 1 }],
  );
  const plan = planOf(inspectGraph(many));
  checkPlan(plan);
  const device = openReference();
  const memory = device.memory();
  const program = await device.load(plan, memory);
  many.forEach((_, run) => memory.write(`grad:${run}`, new Float32Array(64).fill(run + 1)));
  program.run();
  const [norm] = await memory.read([{ slot: GRAD_NORM, offset: 0, length: 1 }]);
  assertEquals(norm, Math.fround(Math.sqrt(64 * 1240)));
});
