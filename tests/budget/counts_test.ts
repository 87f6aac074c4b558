/** Counts and FLOP per token are those that others publish for the same models. */
import { taskOf } from "../../src/data/sources/mod.ts";
import { assertAlmostEquals, assertEquals, assertLess } from "@std/assert";
import { countsOf } from "../../src/budget/counts.ts";
import { flopsPerToken } from "../../src/budget/flops.ts";
import { resolveConfig } from "../../src/config/resolve.ts";
import type { RunConfig, RunInput } from "../../src/config/schema.ts";
import { sizeOf } from "../../src/base/shape.ts";
import { holdingsOf } from "../../src/engine/holdings.ts";
import { shapeOf } from "../../src/engine/plans.ts";

const GPT2_VOCABULARY = 50257;

function gpt(
  [layers, heads, width]: readonly [number, number, number],
  { seq_len = 1024, tied = true }: { seq_len?: number; tied?: boolean } = {},
): RunConfig {
  return resolveConfig({
    micro_batch_size: 1,
    model: { kind: "gpt", layers, heads, width, tie_embeddings: tied },
    data: { seq_len },
  });
}

function recurrent(model: RunInput["model"]): RunConfig {
  return resolveConfig({ micro_batch_size: 1, model, data: { source: "truecase", seq_len: 8 } });
}

function counts(config: RunConfig, vocabulary: number) {
  return countsOf(shapeOf(config, vocabulary).params, config.model);
}

function perToken(config: RunConfig, vocabulary: number, formula: string): number {
  const all = flopsPerToken(counts(config, vocabulary), {
    model: config.model,
    time: config.data.seq_len,
    task: taskOf(config.data, vocabulary),
  });
  return all.find((each) => each.formula === formula)?.per_token ?? NaN;
}

// Transformers 5.23: GPT2LMHeadModel(GPT2Config(n_layer=, n_head=, n_embd=)), numel of all
// parameters and of transformer.h[0].
const GPT2: Record<string, readonly [readonly [number, number, number], number, number]> = {
  gpt2: [[12, 12, 768], 124_439_808, 7_087_872],
  "gpt2-medium": [[24, 16, 1024], 354_823_168, 12_596_224],
  "gpt2-large": [[36, 20, 1280], 774_030_080, 19_677_440],
  "gpt2-xl": [[48, 25, 1600], 1_557_611_200, 30_740_800],
};

Deno.test("the four GPT-2 have the parameters of GPT2LMHeadModel", () => {
  for (const [name, [sizes, all, block]] of Object.entries(GPT2)) {
    const found = counts(gpt(sizes), GPT2_VOCABULARY);
    assertEquals([found.all, found.per_layer], [all, block], name);
    const [layers, , width] = sizes;
    assertEquals(found.no_embedding, all - (GPT2_VOCABULARY + 1024) * width, name);
    assertEquals(found.no_embedding, layers * block + 2 * width, name);
    assertEquals(found.matrices, 12 * layers * width ** 2, name);
  }
});

Deno.test("nanoGPT's shakespeare_char has its 10.65M parameters, biases and positions aside", () => {
  const config = gpt([6, 6, 384], { seq_len: 256 });
  const { params } = shapeOf(config, 65);
  const counted = params.filter(({ name }) => !/bias$|^positions/.test(name));
  assertEquals(counted.reduce((sum, { shape }) => sum + sizeOf(shape), 0), 10_646_784);
  assertEquals(counts(config, 65).matrices, 10_616_832);
});

Deno.test("a head of its own is no embedding, and no matrix of a layer", () => {
  const [tied, untied] = [true, false].map((tied) => counts(gpt([2, 2, 64], { tied }), 89));
  assertEquals((untied?.all ?? 0) - (tied?.all ?? 0), 64 * 89);
  assertEquals((untied?.no_embedding ?? 0) - (tied?.no_embedding ?? 0), 64 * 89);
  assertEquals(untied?.matrices, tied?.matrices);
});

// PyTorch 2.15: torch.nn.LSTM(width, width, num_layers=, bidirectional=) and so on: numel of all
// parameters, of those with two axes, of those whose name has the last layer's suffix.
const TORCH: readonly (readonly [Record<string, unknown>, number, number, number])[] = [
  [{ cell: "lstm", width: 128, layers: 1 }, 132_096, 131_072, 132_096],
  [{ cell: "lstm", width: 200, layers: 2 }, 643_200, 640_000, 321_600],
  [{ cell: "gru", width: 128, layers: 3 }, 297_216, 294_912, 99_072],
  [{ cell: "rnn_tanh", width: 128, layers: 1 }, 33_024, 32_768, 33_024],
  [{ cell: "lstm", width: 64, layers: 2, bidirectional: true }, 165_888, 163_840, 99_328],
];

Deno.test("recurrent layers have the parameters of torch.nn", () => {
  for (const [model, all, matrices, last] of TORCH) {
    const config = recurrent({ kind: "recurrent", ...model });
    const { width, bidirectional } = config.model as { width: number; bidirectional: boolean };
    const found = counts(config, 30);
    const head = (bidirectional ? 2 * width : width) * 2 + 2;
    assertEquals(found.no_embedding - head, all, JSON.stringify(model));
    assertEquals(found.all, found.no_embedding + 30 * width);
    assertEquals([found.matrices, found.per_layer], [matrices, last], JSON.stringify(model));
  }
});

Deno.test("GPT-2 at 1024 tokens takes 803.3 MFLOP per token by llm.c's formula", () => {
  const config = gpt([12, 12, 768]);
  const at = (formula: string) => perToken(config, GPT2_VOCABULARY, formula);
  assertEquals(at("6N"), 6 * 124_439_808);
  assertEquals((at("6N + 6LCT") / 1e6).toFixed(1), "803.3");
  assertEquals(at("6N + 12LHQT") - at("6N"), 2 * (at("6N + 6LCT") - at("6N")));
});

Deno.test("a window bounds the tokens that a formula counts", () => {
  const config = gpt([12, 12, 768]);
  const at = (window: number | null, formula: string) => {
    const model = { ...config.model, attention_window: window };
    return perToken({ ...config, model } as RunConfig, GPT2_VOCABULARY, formula);
  };
  for (const formula of ["6N + 6LCT", "6N + 12LHQT"]) {
    assertEquals(at(1024, formula), at(null, formula));
    assertEquals(at(5000, formula), at(null, formula));
    assertLess(at(256, formula), at(null, formula));
  }
  // All pairs of a query and a key, and those of the causal half: 256 - 256^2 / 2048 per query.
  const attended = 12 * 12 * 768;
  assertEquals(at(256, "6N + 12LHQT") - at(256, "6N"), attended * 256);
  assertEquals(at(256, "6N + 6LCT") - at(256, "6N"), attended * 224);
});

Deno.test("what the compiled gradient counts is what llm.c's formula says, within 2 %", () => {
  const config = gpt([12, 12, 768]);
  const { plans } = holdingsOf(config, GPT2_VOCABULARY);
  const counted = plans.filter(({ use }) => use === "activations")
    .flatMap(({ plan }) => plan.calls)
    .reduce((sum, call) => sum + call.op.cost(call, call.attrs).flops, 0);
  const formula = perToken(config, GPT2_VOCABULARY, "6N + 6LCT");
  assertAlmostEquals(counted / 1024 / formula, 1, 0.02);
});

Deno.test("recurrent networks are counted by all parameters and by matrices alone", () => {
  const config = recurrent({ kind: "recurrent", cell: "lstm", width: 128 });
  const { all } = counts(config, 30);
  const found = flopsPerToken(counts(config, 30), {
    model: config.model,
    time: 64,
    task: taskOf(config.data, 30),
  });
  assertEquals(found.map(({ formula, per_token }) => [formula, per_token]), [
    ["6N", 6 * all],
    ["6N_matrices", 6 * 131_072],
  ]);
});
