/**
 * Models that transformers saved give the same logits, losses, gradients and greedy texts here:
 * sharded or not, in f32, f16 or bf16, with and without prefixes.
 */
import { assertEquals } from "@std/assert";
import { fileURLToPath } from "node:url";
import { IGNORE } from "../../src/base/ignore.ts";
import { type OpenedModel, openModel } from "../../src/artifacts/model.ts";
import { incoming } from "../../src/artifacts/exchange.ts";
import { readForeign } from "../../src/checkpoint/tensors/foreign.ts";
import { resolveConfig } from "../../src/config/resolve.ts";
import type { Device } from "../../src/device/types.ts";
import { Decoder } from "../../src/engine/decoder.ts";
import { holdParams } from "../../src/engine/load_params.ts";
import { traceGradient } from "../../src/engine/plans.ts";
import { LOSS } from "../../src/plan/layout.ts";
import { runTrace } from "../support/graph/run_trace.ts";
import { assertNear, type ExchangeGolden, onBoth } from "./golden.ts";
import { traceLogits } from "./models.ts";

const GOLDEN = fileURLToPath(new URL("../golden/transformers/", import.meta.url));

interface Golden extends ExchangeGolden {
  readonly loss: number;
  /** Of an encoder: the hidden tokens; -100 where there is none. */
  readonly labels?: readonly (readonly number[])[];
  /** Of a decoder: a prompt and its likeliest continuation. */
  readonly greedy?: readonly (readonly number[])[];
}

const DECODERS = ["llama", "llama_tied", "mistral", "qwen3", "mixtral", "mixtral_odd"];
const ENCODERS = ["bert", "bert_relu"];

/** Tokens of a prompt. */
const PROMPT = 3;

/** A folder's model and golden numbers, over windows of the golden ids. */
async function read(name: string) {
  const folder = GOLDEN + name;
  const golden: Golden = JSON.parse(await Deno.readTextFile(`${folder}/golden.json`));
  const opened = await openModel(folder);
  const { ids, labels } = golden;
  const inputs = labels === undefined ? ids.map((row) => row.slice(0, -1)) : ids;
  const targets = labels ?? ids.map((row) => row.slice(1));
  const values: Record<string, ArrayLike<number>> = {
    tokens: Uint32Array.from(inputs.flat()),
    targets: Uint32Array.from(targets.flat(), (label) => label < 0 ? IGNORE : label),
  };
  for (const [name, { data }] of opened.params) values[name] = data;
  const [rows, time] = golden.logits.shape as [number, number];
  return { folder, golden, opened, values, rows, time };
}

for (const name of [...DECODERS, ...ENCODERS]) {
  onBoth(`a ${name} that transformers saved gives its logits`, async (device) => {
    const { golden, opened, values, rows, time } = await read(name);
    const { logits } = traceLogits({ ...opened, context: time }, rows);
    assertEquals(logits.shape, golden.logits.shape);
    const got = await runTrace(device, { logits }, values);
    assertNear(got["logits"], golden.logits.data, "logits");
  });

  onBoth(`a ${name} that transformers saved gives its loss and all gradients`, async (device) => {
    const { folder, golden, opened, values, rows, time } = await read(name);
    const asked = golden.labels?.[0]?.filter((label) => label >= 0).length ?? 0;
    const config = resolveConfig({
      // Gradients are those without dropout.
      model: { ...opened.model, dropout: 0 },
      data: {
        source: opened.source ?? "text",
        seq_len: time,
        stride: time,
        ...asked > 0 && { mask_share: asked / time },
      },
      micro_batches: 1,
      micro_batch_size: rows,
    });
    const { graph } = traceGradient(config, opened.vocabulary);
    const got = await runTrace(device, graph.results, values);
    assertNear(got[LOSS], [golden.loss], "loss");
    // Gradients have the names and shapes of parameters, so they come in the same way.
    const weights = `${folder}/gradients.safetensors`;
    const json = JSON.parse(await Deno.readTextFile(`${folder}/config.json`));
    const want = incoming(json, await readForeign(weights), { config: folder, weights });
    assertEquals([...want.params.keys()].sort(), [...opened.params.keys()].sort());
    for (const [name, { data }] of want.params) assertNear(got[`grad:${name}`], data, name);
  });
}

for (const name of DECODERS) {
  onBoth(`a ${name} that transformers saved continues a prompt as there`, async (device) => {
    const { golden, opened } = await read(name);
    for (const row of golden.greedy ?? []) {
      const prompt = row.slice(0, PROMPT);
      assertEquals(await greedy(device, { opened, prompt, length: row.length }), row);
    }
  });
}

/** The prompt, continued by the likeliest tokens up to `length` tokens. */
async function greedy(
  device: Device,
  { opened, prompt, length }: { opened: OpenedModel; prompt: readonly number[]; length: number },
): Promise<number[]> {
  const memory = device.memory();
  const layout = holdParams(memory, opened, opened.params);
  const decoder = await Decoder.open(device, { ...opened, memory, layout, rows: 1 });
  const tokens = [...prompt];
  let logits = await decoder.feed(Uint32Array.from(prompt));
  while (tokens.length < length) {
    const next = logits.indexOf(logits.reduce((a, b) => Math.max(a, b)));
    tokens.push(next);
    logits = await decoder.feed(Uint32Array.of(next));
  }
  return tokens;
}
