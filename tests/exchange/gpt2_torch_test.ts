/** A GPT-2 from transformers gives the same logits, loss and gradients here. */
import { assertEquals } from "@std/assert";
import { fileURLToPath } from "node:url";
import { readForeign } from "../../src/checkpoint/tensors/foreign.ts";
import { resolveConfig } from "../../src/config/resolve.ts";
import { fromGpt2 } from "../../src/models/gpt/gpt2.ts";
import { LOSS } from "../../src/plan/layout.ts";
import { openModel } from "../../src/artifacts/model.ts";
import { traceGradient } from "../../src/engine/plans.ts";
import { runTrace } from "../support/graph/run_trace.ts";
import { assertNear, type ExchangeGolden, onBoth, readGolden } from "./golden.ts";
import { traceLogits } from "./models.ts";

const GOLDEN = fileURLToPath(new URL("../golden/", import.meta.url));
const FOLDER = GOLDEN + "hf_gpt2_tiny";

interface Golden extends ExchangeGolden {
  readonly loss: number;
}

/** The folder's model, and its parameters and a batch as sources of a trace. */
async function read() {
  const golden = readGolden<Golden>("hf_gpt2_tiny");
  const opened = await openModel(FOLDER);
  const values: Record<string, ArrayLike<number>> = {
    tokens: Uint32Array.from(golden.ids.flatMap((row) => row.slice(0, -1))),
    targets: Uint32Array.from(golden.ids.flatMap((row) => row.slice(1))),
  };
  for (const [name, { data }] of opened.params) values[name] = data;
  return { golden, opened, values, rows: golden.ids.length };
}

onBoth("a GPT-2 that transformers wrote gives its logits", async (device) => {
  const { golden, opened, values, rows } = await read();
  const { logits } = traceLogits(opened, rows);
  assertEquals(logits.shape, golden.logits.shape);
  const got = await runTrace(device, { logits }, values);
  assertNear(got["logits"], golden.logits.data, "logits");
});

onBoth("a GPT-2 that transformers wrote gives its loss and all its gradients", async (device) => {
  const { golden, opened, values, rows } = await read();
  const config = resolveConfig({
    model: { ...opened.model, dropout: 0 },
    data: { seq_len: opened.context, stride: opened.context },
    micro_batches: 1,
    micro_batch_size: rows,
  });
  const { graph } = traceGradient(config, opened.vocabulary);
  const got = await runTrace(device, graph.results, values);
  assertNear(got[LOSS], [golden.loss], "loss");
  // Gradients have the names and shapes of parameters, so they come in the same way.
  const path = GOLDEN + "hf_gpt2_tiny_gradients.safetensors";
  const json = JSON.parse(await Deno.readTextFile(`${FOLDER}/config.json`));
  const want = fromGpt2(json, await readForeign(path), { config: FOLDER, weights: path });
  assertEquals([...want.params.keys()].sort(), [...opened.params.keys()].sort());
  for (const [name, { data }] of want.params) assertNear(got[`grad:${name}`], data, name);
});
