/**
 * SGD, Lion and Muon against torch.optim and lion_pytorch: the same gradients, 20 steps.
 * tests/golden/optimizers/make_torch_optimizers.py made the values.
 */
import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { alignUp, type MatrixAxes, type Shape, sizeOf } from "../../src/base/shape.ts";
import { ArrayMemory, openReference } from "../../src/device/reference.ts";
import type { Device, Memory } from "../../src/device/types.ts";
import { openWebGpu } from "../../src/device/webgpu.ts";
import { type OptimConfig, optimizerOf, optimSchema, stateVectors } from "../../src/optim/mod.ts";
import type { UpdateSpan } from "../../src/optim/types.ts";
import { inspectGraph, type SpanGraph, updateGraph } from "../../src/optim/update.ts";
import { compile } from "../../src/plan/compile.ts";
import { ALIGN } from "../../src/plan/layout.ts";
import type { Plan } from "../../src/plan/types.ts";
import { onGpu } from "../support/gpu.ts";

interface Golden {
  readonly shapes: Readonly<Record<string, Shape>>;
  readonly cases: Readonly<
    Record<string, {
      readonly config: Record<string, unknown>;
      readonly after: Readonly<Record<string, Readonly<Record<string, readonly number[]>>>>;
    }>
  >;
}

const GOLDEN: Golden = JSON.parse(
  await Deno.readTextFile(new URL("../golden/optimizers/torch_optimizers.json", import.meta.url)),
);
const STEPS = 20;
const CONSTANT = { schedule: "constant", warmup_steps: 0 } as const;

/** A value in [-0.5, 0.5), by the generator's formula. */
function number(step: number, parameter: number, i: number): number {
  let x = Math.imul(i, 2654435761) + step * 40503 + parameter * 97 + 1;
  x = Math.imul(x ^ (x >>> 15), 2246822519);
  x = Math.imul(x ^ (x >>> 13), 3266489917);
  return (x >>> 16) / 65536 - 0.5;
}

/** One parameter of the test, in the bucket of its own number. */
interface TestParam {
  readonly name: string;
  /** As stored here: transposed where `axes` is in_out. */
  readonly shape: Shape;
  readonly axes: MatrixAxes;
  readonly values: (step: number) => Float64Array;
}

/** The parameters of the golden file; matrices in PyTorch's order of axes, or transposed. */
function paramsIn(axes: MatrixAxes): TestParam[] {
  return Object.entries(GOLDEN.shapes).map(([name, shape], k) => {
    const values = (step: number) =>
      Float64Array.from({ length: sizeOf(shape) }, (_, i) => number(step, k, i));
    return axes === "out_in" ? { name, shape, axes, values } : {
      name,
      shape: shape.toReversed(),
      axes,
      values: (step: number) => transposed(values(step), shape),
    };
  });
}

function transposed(data: ArrayLike<number>, [rows = 1, columns = 1]: Shape): Float64Array {
  return Float64Array.from(
    { length: rows * columns },
    (_, i) => data[(i % rows) * columns + Math.floor(i / rows)] as number,
  );
}

function spansOf(params: readonly TestParam[], config: OptimConfig): UpdateSpan[] {
  const optimizer = optimizerOf(config);
  return params.map(({ shape, axes }) => {
    const param = { shape, offset: 0, hidden: { axes } };
    const rule = optimizer.ruleOf?.(param);
    return [{
      length: alignUp(sizeOf(shape), ALIGN),
      decay: true,
      lrScale: 1,
      params: [param],
      ...rule !== undefined && { rule },
    }];
  });
}

function planOf({ graph, sources }: SpanGraph): Plan {
  const places = new Map(sources.map(({ tensor, vector, span, offset }) => {
    return [tensor, { slot: `${vector}:${span}`, role: tensor.role, offset }];
  }));
  return compile(graph, {
    source: (t) => places.get(t),
    sizes: Object.fromEntries(
      Array.from(places.values(), ({ slot }) => [slot, ALIGN * 2]),
    ),
  });
}

function put(memory: Memory, slot: string, data: Float64Array): void {
  if (memory instanceof ArrayMemory) memory.floats(slot).set(data);
  else memory.write(slot, Float32Array.from(data));
}

/** Compares the parameters after 1 and after 20 steps with those of a case, within `tolerance`. */
async function check(
  device: Device,
  { name, axes, tolerance }: {
    readonly name: string;
    readonly axes: MatrixAxes;
    readonly tolerance: number;
  },
): Promise<void> {
  const golden = GOLDEN.cases[name];
  assert(golden !== undefined);
  const config = optimSchema.parse({ ...CONSTANT, ...golden.config });
  const optimizer = optimizerOf(config);
  const params = paramsIn(axes);
  const memory = device.memory();
  const spans = spansOf(params, config);
  const inspect = await device.load(planOf(inspectGraph(spans)), memory);
  const update = await device.load(planOf(updateGraph(spans, { optimizer, config })), memory);
  params.forEach(({ values }, k) => put(memory, `param:${k}`, values(99)));
  for (let step = 0; step < STEPS; step++) {
    for (const [scalar, value] of Object.entries(optimizer.scalarsAt(step, config))) {
      memory.ensure(scalar, 1);
      put(memory, scalar, Float64Array.of(value));
    }
    params.forEach(({ values }, k) => put(memory, `grad:${k}`, values(step)));
    inspect.run();
    update.run();
    const wanted = golden.after[step + 1];
    if (wanted === undefined) continue;
    for (const [k, { name: param, shape }] of params.entries()) {
      const slice = { slot: `param:${k}`, offset: 0, length: sizeOf(shape) };
      const got = memory instanceof ArrayMemory
        ? memory.floats(slice.slot).slice(0, slice.length)
        : await memory.read([slice]);
      const plain = axes === "out_in" ? got : transposed(got, shape);
      wanted[param]?.forEach((value, i) => {
        assertAlmostEquals(plain[i] as number, value, tolerance, `${name} ${param} ${i}`);
      });
    }
  }
}

/** The orders of axes to test: only Muon distinguishes them. */
function axesOf(name: string): readonly MatrixAxes[] {
  return name.startsWith("muon") ? ["out_in", "in_out"] : ["out_in"];
}

Deno.test("20 steps of SGD, Lion and Muon equal PyTorch's in f64", async () => {
  const names = Object.keys(GOLDEN.cases);
  assertEquals(new Set(names.map((name) => name.split("_")[0])), new Set(["sgd", "lion", "muon"]));
  for (const name of names) {
    for (const axes of axesOf(name)) {
      await check(openReference({ precision: "f64" }), { name, axes, tolerance: 1e-11 });
    }
  }
});

Deno.test(
  onGpu("20 steps of SGD, Lion and Muon on the GPU stay within 1e-5 of PyTorch's"),
  async () => {
    const device = await openWebGpu({ runtime: Deno.version.deno });
    for (const name of Object.keys(GOLDEN.cases)) {
      for (const axes of axesOf(name)) await check(device, { name, axes, tolerance: 1e-5 });
    }
    device.close();
  },
);

Deno.test("optimizers keep the moments that their update needs, and no others", () => {
  const vectors = (input: object) => stateVectors(optimSchema.parse(input));
  assertEquals(vectors({ kind: "adamw" }), ["param", "m", "v"]);
  assertEquals(vectors({ kind: "sgd" }), ["param", "m"]);
  assertEquals(vectors({ kind: "sgd", momentum: 0 }), ["param"]);
  assertEquals(vectors({ kind: "lion" }), ["param", "m"]);
  assertEquals(vectors({ kind: "muon" }), ["param", "m", "v"]);
});
