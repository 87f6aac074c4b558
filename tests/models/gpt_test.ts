/** The transformer as a model: parameters, causality, tying, dropout. */
import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertLess,
  assertNotEquals,
  assertThrows,
} from "@std/assert";
import { UserError } from "../../src/base/user_error.ts";
import type { RunConfig } from "../../src/config/schema.ts";
import { ArrayMemory, openReference } from "../../src/device/reference.ts";
import { newTrace } from "../../src/graph/trace.ts";
import type { Tensor } from "../../src/graph/types.ts";
import { modelOf } from "../../src/models/mod.ts";
import { newScope, RANDOM_KEY } from "../../src/nn/scope.ts";
import { Replica } from "../../src/engine/replica.ts";
import { evaluationPlan, gradientPlan, shapeOf, traceGradient } from "../../src/engine/plans.ts";
import type { GptConfig } from "../../src/models/gpt/mod.ts";
import { showPlan } from "../../src/plan/show.ts";
import { randomTokens, tinyConfig } from "../support/gpt.ts";
import { loadGraph, resultsOf } from "../support/graph/traced.ts";
import { corpusIn } from "../../src/corpus/corpus.ts";

const VOCABULARY = 13;

/** The graph of the logits, without dropout; `documents`: with document masking. */
function traceLogits(config: RunConfig, { documents = false }: { documents?: boolean } = {}) {
  const trace = newTrace();
  const { scope, params } = newScope(trace, { training: false });
  const shape = [config.micro_batch_size, config.data.seq_len];
  const tokens = trace.source({ shape, dtype: "u32" }, "batch", "tokens");
  const sizes = { vocabulary: VOCABULARY, classes: VOCABULARY };
  const starts = { starts: trace.source({ shape, dtype: "u32" }, "batch", "starts") };
  const input = { tokens, ...sizes, last: false, carries: false, ...documents && starts };
  const logits = modelOf(config.model).logits?.(scope, input, config.model) as Tensor;
  const { calls, constants } = trace;
  return { params, graph: { calls, constants, results: { logits } } };
}

Deno.test("the number of parameters is that of the formula", () => {
  for (const layers of [1, 3]) {
    for (const tied of [false, true]) {
      for (const positions of ["learned", "sinusoidal"] as const) {
        const width = 24;
        const config = tinyConfig({
          window: 9,
          model: { layers, width, tie_embeddings: tied, positions },
        });
        const corpus = corpusIn({
          train: randomTokens(40, VOCABULARY),
          validation: randomTokens(20, VOCABULARY),
          vocabulary: VOCABULARY,
        });
        const { parameters } = new Replica(openReference(), { config, corpus });
        const block = 12 * width ** 2 + 13 * width;
        const tables = (tied ? 1 : 2) * VOCABULARY * width +
          (positions === "learned" ? 9 * width : 0);
        assertEquals(parameters, layers * block + 2 * width + tables);
      }
    }
  }
});

Deno.test("shared heads have the parameters of a smaller projection, other positions none", () => {
  const namesOf = (model: Partial<GptConfig>) => {
    const { params } = shapeOf(
      tinyConfig({ model: { width: 24, heads: 6, ...model } }),
      VOCABULARY,
    );
    return new Map(params.map(({ name, shape }) => [name, shape]));
  };
  const plain = namesOf({});
  assertEquals(plain.get("blocks.0.qkv.weight"), [24, 72]);
  for (const [kv_heads, columns] of [[6, 72], [3, 48], [1, 32]] as const) {
    const shared = namesOf({ kv_heads });
    assertEquals(shared.get("blocks.0.qkv.weight"), [24, columns]);
    assertEquals([...shared.keys()], [...plain.keys()]);
  }
  for (const positions of ["rotary", "alibi", "none"] as const) {
    const names = [...namesOf({ positions, attention_window: 3 }).keys()];
    assertEquals(names, [...plain.keys()].filter((name) => name !== "positions.weight"));
  }
});

Deno.test("as many heads of keys and values as heads change no call", () => {
  const callsOf = (model: Partial<GptConfig>) =>
    showPlan(
      gradientPlan(tinyConfig({ model }), VOCABULARY, shapeOf(tinyConfig(), VOCABULARY).layout),
    );
  assertEquals(callsOf({ kv_heads: 2 }), callsOf({}));
});

Deno.test("a token outside the window of every block changes no logits", async () => {
  const config = tinyConfig({
    micro_batch_size: 1,
    window: 6,
    model: { layers: 2, attention_window: 2, positions: "none" },
  });
  const { graph, params } = traceLogits(config);
  const options = { params, config, vocabulary: VOCABULARY };
  const loaded = await loadGraph(openReference(), graph, options);
  const last = async (...tokens: number[]) => {
    loaded.memory.write("tokens", Uint32Array.from(tokens));
    return (await resultsOf(loaded, graph)).logits?.slice(5 * VOCABULARY) as Float64Array;
  };
  const before = await last(3, 1, 4, 1, 5, 9);
  // Two blocks reach two tokens back.
  assertEquals(await last(7, 2, 8, 1, 5, 9), before);
  assertNotEquals(await last(3, 1, 4, 2, 5, 9), before);
});

Deno.test("without positions the order of the tokens before the last changes nothing", async () => {
  const lastOf = async (positions: GptConfig["positions"], tokens: readonly number[]) => {
    const config = tinyConfig({ micro_batch_size: 1, window: 6, model: { positions } });
    const { graph, params } = traceLogits(config);
    const device = openReference({ precision: "f64" });
    const options = { params, config, vocabulary: VOCABULARY };
    const loaded = await loadGraph(device, graph, options);
    loaded.memory.write("tokens", Uint32Array.from(tokens));
    return (await resultsOf(loaded, graph)).logits?.slice(5 * VOCABULARY) as Float64Array;
  };
  const [one, other] = [[3, 1, 4, 1, 5, 9], [5, 4, 1, 3, 1, 9]];
  for (const positions of ["learned", "sinusoidal", "rotary", "alibi", "none"] as const) {
    const [a, b] = [await lastOf(positions, one), await lastOf(positions, other)];
    const apart = a.reduce((most, v, i) => Math.max(most, Math.abs(v - (b[i] as number))), 0);
    assertEquals(apart < 1e-9, positions === "none", `${positions}: ${apart}`);
  }
});

Deno.test("changing a token changes the logits from it on, and none before it", async () => {
  const models: Partial<GptConfig>[] = [
    {},
    { layers: 2, positions: "sinusoidal" },
    { positions: "rotary", heads: 4, kv_heads: 2 },
    { positions: "alibi" },
    { positions: "none", layers: 2 },
  ];
  for (const input of models.map((model) => ({ model }))) {
    const config = tinyConfig({ micro_batch_size: 1, window: 6, ...input });
    const { graph, params } = traceLogits(config);
    const loaded = await loadGraph(openReference(), graph, {
      params,
      config,
      vocabulary: VOCABULARY,
    });
    const logitsAt = async (tokens: readonly number[]) => {
      loaded.memory.write("tokens", Uint32Array.from(tokens));
      return (await resultsOf(loaded, graph)).logits as Float64Array;
    };
    const tokens = [3, 1, 4, 1, 5, 9];
    const before = await logitsAt(tokens);
    for (let t = 0; t < tokens.length; t++) {
      const after = await logitsAt(tokens.map((token, i) => i === t ? 12 - token : token));
      for (let position = 0; position < tokens.length; position++) {
        const row = (x: Float64Array) =>
          x.slice(position * VOCABULARY, (position + 1) * VOCABULARY);
        const same = row(before).every((v, i) => v === row(after)[i]);
        assertEquals(same, position < t, `token ${t}, logits at ${position}`);
      }
    }
  }
});

Deno.test("a token of one document changes no logits of the next", async () => {
  const config = tinyConfig({ micro_batch_size: 1, window: 6, model: { layers: 2 } });
  const { graph, params } = traceLogits(config, { documents: true });
  const options = { params, config, vocabulary: VOCABULARY };
  const loaded = await loadGraph(openReference(), graph, options);
  loaded.memory.write("starts", Uint32Array.of(0, 0, 0, 3, 3, 3));
  const logitsOf = async (...tokens: number[]) => {
    loaded.memory.write("tokens", Uint32Array.from(tokens));
    return (await resultsOf(loaded, graph)).logits?.slice(3 * VOCABULARY) as Float64Array;
  };
  const before = await logitsOf(3, 1, 4, 1, 5, 9);
  assertEquals(await logitsOf(7, 2, 8, 1, 5, 9), before);
  assertNotEquals(await logitsOf(3, 1, 4, 2, 5, 9), before);
});

Deno.test("sequences of a batch are independent", async () => {
  const config = tinyConfig({ micro_batch_size: 2, window: 4 });
  const { graph, params } = traceLogits(config);
  const loaded = await loadGraph(openReference(), graph, {
    params,
    config,
    vocabulary: VOCABULARY,
  });
  const rows = async (second: number) => {
    loaded.memory.write("tokens", Uint32Array.of(1, 2, 3, 4, second, 6, 7, 8));
    const logits = (await resultsOf(loaded, graph)).logits as Float64Array;
    return [logits.slice(0, 4 * VOCABULARY), logits.slice(4 * VOCABULARY)];
  };
  const [[a, b], [c, d]] = [await rows(5), await rows(0)];
  assertEquals(a, c);
  assert(b?.some((v, i) => v !== d?.[i]));
});

Deno.test("tied weights are one parameter, and its gradient is the sum of both uses", async () => {
  const vocabulary = VOCABULARY;
  const width = 6;
  const model = { width, heads: 2 };
  const gradientsOf = async (tied: boolean, table?: Float64Array) => {
    const config = tinyConfig({ model: { ...model, tie_embeddings: tied } });
    const { graph, params } = traceGradient(config, vocabulary);
    const device = openReference({ precision: "f64" });
    const loaded = await loadGraph(device, graph, { params, config, vocabulary });
    const memory = loaded.memory as ArrayMemory;
    // The head of the untied model is the table of the tied one, transposed.
    if (table !== undefined) {
      memory.floats("head.weight").set(
        Float64Array.from({ length: table.length }, (_, i) => {
          const [d, v] = [Math.floor(i / vocabulary), i % vocabulary];
          return table[v * width + d] as number;
        }),
      );
    }
    const names = params.map((p) => p.name);
    return { names, tokens: memory.floats("tokens.weight"), ...await resultsOf(loaded, graph) };
  };
  const tied = await gradientsOf(true);
  assertEquals(tied.names.filter((name) => /head|tokens/.test(name)), ["tokens.weight"]);
  const untied = await gradientsOf(false, Float64Array.from(tied.tokens));
  const results = (run: object) => run as Record<string, Float64Array>;
  assertAlmostEquals(results(tied).loss?.[0] ?? 0, results(untied).loss?.[0] ?? 1, 1e-14);
  const sum = results(tied)["grad:tokens.weight"] as Float64Array;
  const input = results(untied)["grad:tokens.weight"] as Float64Array;
  const output = results(untied)["grad:head.weight"] as Float64Array;
  sum.forEach((v, i) => {
    const [row, d] = [Math.floor(i / width), i % width];
    const both = (input[i] as number) + (output[d * vocabulary + row] as number);
    assertAlmostEquals(v, both, 1e-15);
  });
});

Deno.test("only the gradient's graph has dropout, and it needs the key", () => {
  const config = tinyConfig({ model: { dropout: 0.3 } });
  const { layout } = shapeOf(config, VOCABULARY);
  const names = (plan: ReturnType<typeof gradientPlan>) => plan.slots.map((slot) => slot.name);
  assert(names(gradientPlan(config, VOCABULARY, layout)).includes(RANDOM_KEY));
  assert(!names(evaluationPlan(config, VOCABULARY, layout)).includes(RANDOM_KEY));
  const none = tinyConfig();
  assert(!names(gradientPlan(none, VOCABULARY, layout)).includes(RANDOM_KEY));
});

Deno.test("the evaluation loss is that of the model without dropout", async () => {
  const lossAt = async (dropout: number) => {
    const config = tinyConfig({ model: { dropout } });
    const train = randomTokens(200, VOCABULARY);
    const corpus = corpusIn({ train, validation: train.slice(0, 60), vocabulary: VOCABULARY });
    const replica = new Replica(openReference(), { config, corpus });
    await replica.open();
    return await replica.evaluate(0, 1);
  };
  assertEquals(await lossAt(0.5), await lossAt(0));
});

Deno.test("the loss at initialisation is log(vocabulary) within 5 %", async () => {
  for (
    const model of [{}, { layers: 4, tie_embeddings: true }, { positions: "sinusoidal" }] as const
  ) {
    const vocabulary = 50;
    const config = tinyConfig({ window: 16, model });
    const corpus = corpusIn({
      train: randomTokens(400, vocabulary),
      validation: randomTokens(40, vocabulary),
      vocabulary,
    });
    const replica = new Replica(openReference(), { config, corpus });
    await replica.open();
    replica.accumulate(0, { level: 2, index: 0 });
    const { loss } = await replica.inspect();
    assertLess(Math.abs(loss / Math.log(vocabulary) - 1), 0.05);
  }
});

Deno.test("initial residual projections are scaled down by the depth", () => {
  for (const layers of [1, 8]) {
    const { params } = shapeOf(tinyConfig({ model: { layers } }), VOCABULARY);
    for (const { name, init } of params) {
      if (init.kind !== "normal") continue;
      const scale = /\.(out|down)\./.test(name) ? 1 / Math.sqrt(2 * layers) : 1;
      assertAlmostEquals(init.std, 0.02 * scale, 1e-15, name);
    }
  }
});

Deno.test("shared heads that do not divide the heads, and odd rotary heads, are rejected", () => {
  const refused = (model: Partial<GptConfig>, says: string) =>
    assertThrows(() => tinyConfig({ model }), UserError, says);
  refused({ heads: 4, kv_heads: 3 }, "kv_heads 3, heads 4");
  refused({ heads: 2, kv_heads: 4 }, "need a divisor of heads: kv_heads 4, heads 2");
  refused({ width: 9, heads: 3, positions: "rotary" }, "even width for rotary positions: width 9");
  refused({ positions: "rotary", rotary_theta: 1 }, "rotary_theta");
  refused({ attention_window: 0 }, "attention_window");
});

Deno.test("heads that do not divide the width are rejected with both numbers", () => {
  assertThrows(
    () => tinyConfig({ model: { width: 10, heads: 4 } }),
    UserError,
    "width 10, heads 4",
  );
});
