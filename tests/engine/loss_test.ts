/** The loss in chunks of rows has the bits of the whole and the memory of one chunk. */
import type { GptConfig } from "../../src/models/gpt/mod.ts";
import { assert, assertEquals, assertGreater, assertLess, assertLessOrEqual } from "@std/assert";
import { LEAST_BINDING } from "../../src/base/binding.ts";
import { sizeOf } from "../../src/base/shape.ts";
import { resolveConfig } from "../../src/config/resolve.ts";
import type { RunConfig } from "../../src/config/schema.ts";
import { openReference } from "../../src/device/reference.ts";
import type { Device } from "../../src/device/types.ts";
import type { Graph } from "../../src/graph/types.ts";
import { cutRows } from "../../src/nn/head.ts";
import { compile } from "../../src/plan/compile.ts";
import type { Plan } from "../../src/plan/types.ts";
import { corpusIn } from "../../src/corpus/corpus.ts";
import {
  evaluationPlan,
  gradientPlan,
  shapeOf,
  SHARE,
  type Traced,
  traceEvaluation,
  traceGradient,
} from "../../src/engine/plans.ts";
import { STARTS } from "../../src/data/token_tensors.ts";
import { Replica } from "../../src/engine/replica.ts";
import { onGpu, sharedGpu } from "../support/gpu.ts";
import { randomTokens, tinyConfig } from "../support/gpt.ts";
import { checkPlan } from "../support/graph/plan_laws.ts";
import { tolerance } from "../../src/testing/tolerance.ts";
import { distance, loadGraph, resultsOf } from "../support/graph/traced.ts";

const VOCABULARY = 53;
const gpu = sharedGpu();

const CONFIGS: Readonly<Record<string, RunConfig>> = {
  "a transformer": tinyConfig({ micro_batch_size: 3, model: { dropout: 0.1 } }),
  "tied embeddings": tinyConfig({ micro_batch_size: 3, model: { tie_embeddings: true } }),
  "muP: a factor of the logits": tinyConfig({ model: { tie_embeddings: true, mup_base_width: 8 } }),
  "odd sizes": tinyConfig({ micro_batch_size: 3, window: 7, model: { width: 9, heads: 3 } }),
  "a mask of documents": resolveConfig({
    micro_batch_size: 2,
    model: { kind: "gpt", layers: 1, width: 16, heads: 2 },
    data: { seq_len: 8, document_end: "Z", document_mask: true },
    report: { sample_length: 0 },
  }),
};

const NETWORKS: Readonly<Record<string, RunConfig>> = {
  "lanes of an lstm": resolveConfig({
    micro_batch_size: 3,
    model: { kind: "recurrent", width: 9 },
    data: { bptt: 5 },
  }),
  "one label of a window": resolveConfig({
    micro_batch_size: 6,
    model: { kind: "recurrent", width: 8, bidirectional: true, readout: "mean" },
    data: { source: "direction", seq_len: 6 },
  }),
};

/** All results of a traced graph, on random parameters and one random batch. */
async function valuesOf(device: Device, traced: Traced, config: RunConfig) {
  const { graph, params } = traced;
  const memory = device.memory();
  memory.ensure(SHARE, 1);
  memory.write(SHARE, Float32Array.of(0.125));
  memory.ensure(STARTS, config.micro_batch_size * config.data.seq_len);
  const loaded = await loadGraph(device, graph, { params, config, vocabulary: VOCABULARY, memory });
  return await resultsOf(loaded, graph);
}

/** Bytes of the logits of `rows` rows. */
const bytesOf = (rows: number, columns = VOCABULARY) => 4 * columns * rows;

function opsOf({ calls }: Pick<Graph | Plan, "calls">): string[] {
  return calls.map(({ op }) => op.name);
}

for (const [name, config] of Object.entries(CONFIGS)) {
  for (const rows of [1, 4, 5]) {
    Deno.test(
      onGpu(`gradient and evaluation in parts have the bits of the whole: ${name}, ${rows} rows`),
      async () => {
        const most = bytesOf(rows) + 3;
        for (const trace of [traceGradient, traceEvaluation]) {
          const [whole, parts] = [trace(config, VOCABULARY), trace(config, VOCABULARY, { most })];
          assert(!opsOf(compile(whole.graph)).includes("update_slice"));
          assert(opsOf(compile(parts.graph)).includes("update_slice"));
          const want = await valuesOf(await gpu(), whole, config);
          assertEquals(await valuesOf(await gpu(), parts, config), want);
        }
      },
    );
  }
}

for (const [name, config] of Object.entries(NETWORKS)) {
  Deno.test(
    onGpu(`the same of a recurrent network, but for the order of its head's bias: ${name}`),
    async () => {
      const columns = shapeOf(config, VOCABULARY).params.find((p) => p.name === "head.bias")
        ?.shape[0];
      const most = bytesOf(4, columns);
      for (const trace of [traceGradient, traceEvaluation]) {
        const [whole, parts] = [trace(config, VOCABULARY), trace(config, VOCABULARY, { most })];
        assert(opsOf(compile(parts.graph)).includes("update_slice"));
        const want = await valuesOf(await gpu(), whole, config);
        const got = await valuesOf(await gpu(), parts, config);
        assertEquals(Object.keys(got), Object.keys(want));
        for (const [result, values] of Object.entries(want)) {
          const own = got[result] as Float64Array;
          if (result === "grad:head.bias") assertLess(distance(own, values), tolerance(30, 1));
          else assertEquals(own, values, result);
        }
      }
    },
  );
}

Deno.test("in f64 the chunked loss differs from the whole only by rounding", async () => {
  const config = tinyConfig({ micro_batch_size: 3, model: { tie_embeddings: true } });
  const [whole, parts] = [undefined, bytesOf(5)].map((most) =>
    traceGradient(config, VOCABULARY, most === undefined ? {} : { most })
  ) as [Traced, Traced];
  const device = openReference({ precision: "f64" });
  const want = await valuesOf(device, whole, config);
  const got = await valuesOf(device, parts, config);
  for (const [name, values] of Object.entries(want)) {
    assertLess(distance(got[name] as Float64Array, values), 1e-13, name);
  }
});

Deno.test("plans below the bound have the calls of the whole loss", () => {
  const config = tinyConfig();
  const { layout } = shapeOf(config, VOCABULARY);
  const tail = (plan: Plan, from: string) => opsOf(plan).slice(opsOf(plan).indexOf(from) - 1);
  assertEquals(tail(evaluationPlan(config, VOCABULARY, layout), "cross_entropy"), [
    "matmul",
    "cross_entropy",
    "sum",
    "correct",
    "sum",
  ]);
  assertEquals(tail(gradientPlan(config, VOCABULARY, layout), "cross_entropy").slice(0, 9), [
    "matmul",
    "cross_entropy",
    "sum",
    "pointwise",
    "pointwise",
    "pointwise",
    "cross_entropy_backward",
    "matmul",
    "matmul",
  ]);
});

/** Its logits of 512 rows take 143 MB. */
const LARGE = { vocabulary: 70_000, config: tinyConfig({ micro_batch_size: 8, window: 64 }) };

Deno.test("plans with logits above the bound keep the laws of plans, tied or not", () => {
  for (const tied of [false, true]) {
    const config = tinyConfig({
      micro_batch_size: 8,
      window: 64,
      model: { tie_embeddings: tied, mup_base_width: 8 },
    });
    const { layout } = shapeOf(config, LARGE.vocabulary);
    for (const make of [gradientPlan, evaluationPlan]) {
      const plan = make(config, LARGE.vocabulary, layout);
      checkPlan(plan);
      assert(opsOf(plan).includes("update_slice"));
      for (const { op, inputs, outputs } of plan.calls) {
        for (const { shape } of [...inputs, ...outputs]) {
          assertLessOrEqual(4 * sizeOf(shape), LEAST_BINDING, op.name);
        }
      }
    }
  }
});

Deno.test("memory includes the logits and gradient of one chunk, however many there are", () => {
  const { config, vocabulary } = LARGE;
  const pooled = (rows: number, trace = traceGradient) =>
    compile(trace(config, vocabulary, { most: bytesOf(rows, vocabulary) }).graph).pooled.bytes;
  const whole = pooled(512);
  assertGreater(whole, 2 * bytesOf(512, vocabulary));
  const small = whole - 2 * bytesOf(512, vocabulary);
  for (const rows of [256, 64, 8]) {
    // Slices and concatenated rows have the model's width.
    const more = small + 16 * 512 * (config.model as GptConfig).width;
    assertLessOrEqual(pooled(rows), 2 * bytesOf(rows, vocabulary) + more);
  }
  const evaluation = pooled(8, traceEvaluation);
  assertLess(evaluation, bytesOf(8, vocabulary) + small);
});

Deno.test(
  onGpu(
    "a step whose logits exceed a binding of 128 MiB is computed, with an initial loss of log V",
  ),
  async () => {
    const vocabulary = 50_257;
    const config = tinyConfig({
      micro_batch_size: 8,
      window: 128,
      micro_batches: 1,
      model: { tie_embeddings: true },
    });
    assertGreater(bytesOf(1024, vocabulary), LEAST_BINDING);
    const tokens = randomTokens(1100, vocabulary);
    const corpus = corpusIn({ train: tokens, validation: tokens, vocabulary });
    const replica = new Replica(await gpu(), { config, corpus });
    await replica.open();
    replica.accumulate(0, { level: 0, index: 0 });
    const { loss, nonFinite } = await replica.inspect();
    assertLess(Math.abs(loss / Math.log(vocabulary) - 1), 0.01);
    assertEquals(nonFinite, 0);
  },
);

Deno.test("rows are cut into as few equal parts as fit, or nearly equal ones", () => {
  const sizes = (rows: number, most: number) => cutRows(rows, most).map(({ count }) => count);
  assertEquals(sizes(8, 8), [8]);
  assertEquals(sizes(8, 7), [4, 4]);
  assertEquals(sizes(8192, 667), Array.from({ length: 16 }, () => 512));
  assertEquals(sizes(7, 3), [3, 3, 1]);
  assertEquals(sizes(3, 0), [1, 1, 1]);
  for (let rows = 1; rows < 60; rows++) {
    for (let most = 1; most <= rows; most++) {
      const parts = cutRows(rows, most);
      assertLessOrEqual(parts.length, 2 * Math.ceil(rows / most));
      let next = 0;
      for (const { first, count } of parts) {
        assertEquals(first, next);
        assert(count >= 1 && count <= most);
        next += count;
      }
      assertEquals(next, rows);
    }
  }
});
