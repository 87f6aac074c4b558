/** A GPT-NeoX of transformers, which has rotary positions, gives the same logits and gradients. */
import { assertEquals } from "@std/assert";
import { fileURLToPath } from "node:url";
import { readForeign } from "../../src/checkpoint/tensors/foreign.ts";
import { resolveConfig } from "../../src/config/resolve.ts";
import { traceGradient } from "../../src/engine/plans.ts";
import { assertNear, type ExchangeGolden, onBoth, readGolden } from "../exchange/golden.ts";
import { traceLogits } from "../exchange/models.ts";
import { runTrace } from "../support/graph/run_trace.ts";

const FILE = fileURLToPath(new URL("../golden/hf_gpt_neox_tiny.safetensors", import.meta.url));
const GRADIENT = "grad:";

interface NeoxGolden extends ExchangeGolden {
  readonly loss: number;
}

/** The model's sizes, the values of its parameters and of a batch, and what transformers gave. */
async function read() {
  const golden = readGolden<NeoxGolden>("hf_gpt_neox_tiny");
  const { tensors } = await readForeign(FILE);
  const [rows, context, vocabulary] = golden.logits.shape as [number, number, number];
  const { model } = resolveConfig({
    model: { kind: "gpt", layers: 2, width: 16, heads: 4, positions: "rotary" },
  });
  const values: Record<string, ArrayLike<number>> = {
    tokens: Uint32Array.from(golden.ids.flatMap((row) => row.slice(0, -1))),
    targets: Uint32Array.from(golden.ids.flatMap((row) => row.slice(1))),
  };
  const gradients: Record<string, ArrayLike<number>> = {};
  for (const [name, { data }] of tensors) {
    if (name.startsWith(GRADIENT)) gradients[name] = data;
    else values[name] = data;
  }
  const sizes = { model, context, vocabulary, classes: vocabulary };
  return { golden, values, gradients, sizes, rows };
}

onBoth("a GPT-NeoX that transformers wrote gives its logits", async (device) => {
  const { golden, values, sizes, rows } = await read();
  const { logits, params } = traceLogits({ ...sizes, targetKind: "next_token" }, rows);
  assertEquals(params.every(({ name }) => name in values), true);
  assertEquals(logits.shape, golden.logits.shape);
  const got = await runTrace(device, { logits }, values);
  assertNear(got["logits"], golden.logits.data, "logits");
});

onBoth("a GPT-NeoX that transformers wrote gives all its gradients", async (device) => {
  const { values, gradients, sizes: { model, context, vocabulary }, rows } = await read();
  const config = resolveConfig({
    model,
    data: { seq_len: context, stride: context },
    micro_batches: 1,
    micro_batch_size: rows,
  });
  const { graph, params } = traceGradient(config, vocabulary);
  assertEquals(params.map(({ name }) => GRADIENT + name).sort(), Object.keys(gradients).sort());
  const got = await runTrace(device, graph.results, values);
  for (const [name, data] of Object.entries(gradients)) assertNear(got[name], data, name);
});
