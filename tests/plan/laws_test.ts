/** Invariants of plans, on all plans of many models. */
import { assert, assertEquals, assertLessOrEqual, assertThrows } from "@std/assert";
import { matmul } from "../../kernels/matmul/mod.ts";
import { resolveConfig } from "../../src/config/resolve.ts";
import type { RunConfig, RunInput } from "../../src/config/schema.ts";
import { taskOf } from "../../src/data/sources/mod.ts";
import { newTrace } from "../../src/graph/trace.ts";
import { compile } from "../../src/plan/compile.ts";
import { layOut, LOSS } from "../../src/plan/layout.ts";
import type { Plan } from "../../src/plan/types.ts";
import { decodePlan } from "../../src/engine/decode_plan.ts";
import {
  evaluationPlan,
  gradientPlan,
  reachPlan,
  shapeOf,
  traceGradient,
} from "../../src/engine/plans.ts";
import { inspectPlan, treeAddPlan, updatePlan } from "../../src/engine/vector_plans.ts";
import { tinyConfig, type TinyInput } from "../support/gpt.ts";
import { checkPlan } from "../support/graph/plan_laws.ts";

const VOCABULARY = 29;

const RUNS: Readonly<Record<string, TinyInput>> = {
  "1 layer": {},
  "2 layers, tied, dropout": { model: { layers: 2, tie_embeddings: true, dropout: 0.1 } },
  "4 layers, dropout": { model: { layers: 4, dropout: 0.2 } },
  "sinusoidal positions": { model: { layers: 2, positions: "sinusoidal" } },
  "sinusoidal, tied, dropout": {
    model: { positions: "sinusoidal", tie_embeddings: true, dropout: 0.5 },
  },
  "one window": { micro_batch_size: 1 },
  "one window, tied, dropout": {
    micro_batch_size: 1,
    model: { tie_embeddings: true, dropout: 0.1 },
  },
  "one window of one token": { micro_batch_size: 1, window: 1, stride: 1, micro_batches: 1 },
  "odd sizes": { micro_batch_size: 3, window: 7, model: { width: 9, heads: 3 } },
  "no clipping": { optim: { clip: 0 } },
  "the reference run": {
    micro_batch_size: 8,
    window: 64,
    stride: 16,
    model: { layers: 2, width: 64, heads: 4 },
  },
};

function plansOf(config: RunConfig): Readonly<Record<string, Plan>> {
  const { layout } = shapeOf(config, VOCABULARY);
  return {
    gradient: gradientPlan(config, VOCABULARY, layout),
    "gradient as traced": compile(traceGradient(config, VOCABULARY).graph, { fuse: false }),
    evaluation: evaluationPlan(config, VOCABULARY, layout),
    inspection: inspectPlan(layout),
    update: updatePlan(config, layout),
    "tree addition": treeAddPlan(layout, 0),
  };
}

/** Decoding plans for one token, and for several. */
function decodePlansOf(config: RunConfig): Readonly<Record<string, Plan>> {
  const { layout } = shapeOf(config, VOCABULARY);
  const { time } = taskOf(config.data, VOCABULARY);
  const model = { model: config.model, vocabulary: VOCABULARY, context: time };
  return Object.fromEntries(
    [1, Math.min(8, time)].map((count) => {
      const options = { rows: 2, count, layout, prefix: "decode/" };
      return [`decoding ${count}`, decodePlan(model, options).plan];
    }),
  );
}

for (const [name, input] of Object.entries(RUNS)) {
  Deno.test(`every plan of a transformer keeps the laws: ${name}`, async (t) => {
    const config = tinyConfig(input);
    for (const [kind, plan] of Object.entries({ ...plansOf(config), ...decodePlansOf(config) })) {
      await t.step(kind, () => {
        assert(plan.calls.length > 0);
        checkPlan(plan);
      });
    }
  });
}

const NETWORKS: Readonly<Record<string, RunInput>> = {
  "lanes of an lstm": {
    micro_batch_size: 3,
    model: { kind: "recurrent", layers: 2, width: 9, dropout: 0.2, shared_dropout: true },
    data: { bptt: 5 },
  },
  "a gru of one window": {
    micro_batch_size: 1,
    model: { kind: "recurrent", cell: "gru_before", width: 8 },
    data: { bptt: 1 },
  },
  "tags, both ways": {
    micro_batch_size: 2,
    model: { kind: "recurrent", cell: "gru", width: 8, bidirectional: true },
    data: { source: "truecase", seq_len: 6 },
  },
  "one label": {
    micro_batch_size: 2,
    model: { kind: "recurrent", width: 8, bidirectional: true, readout: "mean" },
    data: { source: "direction", seq_len: 6 },
  },
};

for (const [name, input] of Object.entries(NETWORKS)) {
  Deno.test(`every plan of a recurrent network keeps the laws: ${name}`, async (t) => {
    const config = resolveConfig(input);
    const { layout } = shapeOf(config, VOCABULARY);
    const reach = reachPlan(config, VOCABULARY, layout);
    const decodes = taskOf(config.data, VOCABULARY).targetKind === "next_token";
    const plans = { ...plansOf(config), reach, ...decodes && decodePlansOf(config) };
    for (const [kind, plan] of Object.entries(plans)) {
      await t.step(kind, () => checkPlan(plan));
    }
  });
}

Deno.test("the laws hold if parameters are split into several buckets", () => {
  const config = tinyConfig({ model: { layers: 2, dropout: 0.1 } });
  const layout = layOut(shapeOf(config, VOCABULARY).params, { bucket: 1024 });
  assert(layout.buckets.length > 3);
  checkPlan(gradientPlan(config, VOCABULARY, layout));
  checkPlan(inspectPlan(layout));
  checkPlan(updatePlan(config, layout));
  checkPlan(treeAddPlan(layout, 1));
});

Deno.test("parameters, gradients and the loss have the layout's addresses", () => {
  const config = tinyConfig({ model: { layers: 2, tie_embeddings: true } });
  const { layout } = shapeOf(config, VOCABULARY);
  const { named, slots } = gradientPlan(config, VOCABULARY, layout);
  const placeOf = (name: string) => {
    const region = named[name];
    assert(region !== undefined, `${name} has a place`);
    return [slots[region.slot]?.name, region.offset, region.shape.join()];
  };
  for (const { name, bucket: piece, offset, shape } of layout.entries) {
    assertEquals(placeOf(name), [`param/${piece}`, offset, shape.join()]);
    assertEquals(placeOf(`grad:${name}`), [`grad/${piece}`, offset, shape.join()]);
  }
  const loss = layout.sums.find((e) => e.name === LOSS);
  assertEquals(placeOf(LOSS), [`grad/${loss?.bucket}`, loss?.offset, "1"]);
});

Deno.test("the checker detects a plan that breaks the laws", () => {
  const trace = newTrace();
  const [a, b] = ["a", "b"].map((name) =>
    trace.source({ shape: [4, 4], dtype: "f32" }, "batch", name)
  ) as [ReturnType<typeof trace.source>, ReturnType<typeof trace.source>];
  const y = matmul(matmul(matmul(a, b), b), b);
  const plan = compile({ calls: trace.calls, constants: [], results: { y } });
  checkPlan(plan);
  const [first, second, third] = plan.calls as [
    Plan["calls"][0],
    Plan["calls"][0],
    Plan["calls"][0],
  ];
  // The second call writes where it reads; then the calls are in the wrong order.
  const clash = { ...second, outputs: second.inputs.slice(0, 1) };
  assertThrows(
    () => checkPlan({ ...plan, calls: [first, clash, third] }),
    Error,
    "reads and writes",
  );
  assertThrows(() => checkPlan({ ...plan, calls: [second, first, third] }), Error, "written last");
  assertThrows(() => checkPlan({ ...plan, calls: [first, second] }), Error, "made or read");
});

Deno.test("locals of a transformer of 4 layers share at most 60 % of their bytes", () => {
  const config = tinyConfig({
    micro_batch_size: 8,
    window: 64,
    model: { layers: 4, width: 64, heads: 4, dropout: 0.1 },
  });
  const { layout } = shapeOf(config, 65);
  const { pooled } = gradientPlan(config, 65, layout);
  assertLessOrEqual(pooled.bytes, 0.6 * pooled.tensorBytes);
});
