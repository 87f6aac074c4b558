/** A fused plan equals the traced one. */
import { assert, assertEquals, assertLess } from "@std/assert";
import { matmul } from "../../kernels/matmul/mod.ts";
import { pointwise } from "../../kernels/pointwise/mod.ts";
import { openReference } from "../../src/device/reference.ts";
import type { Device } from "../../src/device/types.ts";
import { openWebGpu } from "../../src/device/webgpu.ts";
import { newTrace } from "../../src/graph/trace.ts";
import type { Tensor } from "../../src/graph/types.ts";
import { GELU, SUM } from "../../src/nn/formulas.ts";
import { compile } from "../../src/plan/compile.ts";
import { fuse, prune } from "../../src/plan/fuse.ts";
import { traceGradient } from "../../src/engine/plans.ts";
import { tinyConfig, type TinyInput } from "../support/gpt.ts";
import { distance, loadGraph, resultsOf } from "../support/graph/traced.ts";
import { tolerance } from "../../src/testing/tolerance.ts";
import { onGpu } from "../support/gpu.ts";

const VOCABULARY = 13;

const RUNS: Readonly<Record<string, TinyInput>> = {
  plain: {},
  "2 layers, tied, dropout": { model: { layers: 2, tie_embeddings: true, dropout: 0.2 } },
  "sinusoidal, dropout, odd sizes": {
    micro_batch_size: 3,
    window: 5,
    model: { width: 9, heads: 3, positions: "sinusoidal", dropout: 0.3 },
  },
  "one window": { micro_batch_size: 1, model: { dropout: 0.1 } },
};

/** The largest difference between results of the fused and the traced plan. */
async function fusedDistance(device: Device, input: TinyInput): Promise<number> {
  const config = tinyConfig(input);
  const { graph, params } = traceGradient(config, VOCABULARY);
  const options = { params, config, vocabulary: VOCABULARY };
  const fused = await resultsOf(await loadGraph(device, graph, options), graph);
  const traced = await resultsOf(
    await loadGraph(device, graph, { ...options, fuse: false }),
    graph,
  );
  assertEquals(Object.keys(fused), Object.keys(traced));
  const distances = Object.entries(traced).map(([name, values]) => {
    assert(values.some((v) => v !== 0), `${name} is not zero everywhere`);
    return distance(fused[name] as Float64Array, values);
  });
  return Math.max(...distances);
}

for (const [name, input] of Object.entries(RUNS)) {
  Deno.test(`fused values and gradients equal the traced ones in f64: ${name}`, async () => {
    const device = openReference({ precision: "f64" });
    assertLess(await fusedDistance(device, input), 1e-12);
  });
}

Deno.test(onGpu("fused values and gradients equal the traced ones on the GPU"), async (t) => {
  const device = await openWebGpu({ runtime: Deno.version.deno });
  for (const name of ["2 layers, tied, dropout", "one window"] as const) {
    await t.step(name, async () => {
      const input = RUNS[name] ?? {};
      // The longest sums run over a batch, and errors pass through some ten calls in a row.
      assertLess(await fusedDistance(device, input), tolerance(1024, 1));
    });
  }
  device.close();
});

function sources() {
  const trace = newTrace();
  const source = (name: string, ...shape: number[]): Tensor =>
    trace.source({ shape, dtype: "f32" }, "batch", name);
  return { trace, x: source("x", 4, 8), w: source("w", 8, 8), b: source("b", 8) };
}

Deno.test("a chain of elementwise calls is fused into the matmul that feeds it", () => {
  const { trace, x, w, b } = sources();
  const y = pointwise(GELU, [pointwise(SUM, [matmul(x, w), b])]);
  const { calls } = trace;
  const fused = fuse(calls, new Set([y]));
  assertEquals(fused.map(({ op, outputs }) => [op.name, outputs]), [["matmul", [y]]]);
});

Deno.test("a tensor that is a result or read twice is kept when its reader is fused", () => {
  const { trace, x, w, b } = sources();
  const product = matmul(x, w);
  const y = pointwise(SUM, [product, b]);
  const fused = fuse(trace.calls, new Set([product, y]));
  assertEquals(fused.map(({ outputs }) => outputs), [[product, y]]);
  const z = matmul(y, w);
  const again = fuse(trace.calls, new Set([z]));
  assertEquals(again.map(({ outputs }) => outputs), [[y], [z]]);
});

Deno.test("fused calls bind at most 8 buffers", () => {
  const { trace, x, w } = sources();
  let y = matmul(x, w);
  for (let i = 0; i < 9; i++) {
    const extra = trace.source({ shape: [4, 8], dtype: "f32" }, "batch", `e${i}`);
    y = pointwise(SUM, [y, extra]);
  }
  const fused = fuse(trace.calls, new Set([y]));
  assert(fused.length > 1 && fused.length < trace.calls.length);
  for (const { inputs, outputs } of fused) assert(inputs.length + outputs.length <= 8);
});

Deno.test("calls that no result needs are dropped", () => {
  const { trace, x, w, b } = sources();
  const product = matmul(x, w);
  matmul(product, w);
  const y = pointwise(SUM, [product, b]);
  const graph = { calls: trace.calls, constants: [], results: { y } };
  assertEquals(prune(graph).map(({ op }) => op.name), ["matmul", "pointwise"]);
  assertEquals(prune({ ...graph, results: {} }), []);
});

Deno.test("fuse: false keeps every call that a result needs", () => {
  const { trace, x, w, b } = sources();
  const y = pointwise(GELU, [pointwise(SUM, [matmul(x, w), b])]);
  const graph = { calls: trace.calls, constants: [], results: { y } };
  assertEquals(compile(graph, { fuse: false }).calls.length, 3);
  assertEquals(compile(graph).calls.length, 1);
});
