/** From a run to a folder and back: the same weights to the last bit, and the same tokenizer. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { UserError } from "../../src/base/user_error.ts";
import type { NamedTensor } from "../../src/checkpoint/tensors/tensor.ts";
import { openCheckpoint } from "../../src/checkpoint/verify.ts";
import type { RunInput } from "../../src/config/schema.ts";
import { type OpenedModel, openModel } from "../../src/artifacts/model.ts";
import { writeExported } from "../../src/artifacts/exported.ts";
import { writeImported } from "../../src/artifacts/imported.ts";
import { names, TempFolder } from "../checkpoint/fixture.ts";
import { type PortableInput, portableOf } from "./models.ts";
import { saveModel } from "./runs.ts";

const GPT = { kind: "gpt", layers: 2, width: 8, heads: 2, dropout: 0.1 };
const LLAMA = { kind: "llama", layers: 2, width: 8, heads: 2 };
/** Layouts of others have no place for a weight of the z term. */
const MOE = { kind: "moe", layers: 2, width: 8, heads: 2, experts: 3, z_weight: 0 };
const RECURRENT = { kind: "recurrent", width: 6 };

/** Every model that is asked for the next token, in each of its forms. */
const MODELS: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  "a transformer": GPT,
  "a tied one": { ...GPT, tie_embeddings: true },
  "one with sinusoids": { ...GPT, positions: "sinusoidal" },
  "a Llama": { ...LLAMA, dropout: 0.1, tie_embeddings: true },
  "a Llama with shared heads of their own width": {
    ...LLAMA,
    kv_heads: 1,
    head_width: 6,
    mlp_width: 7,
    norm_eps: 1e-6,
    rotary_theta: 5e5,
    rotary_scaling: {
      kind: "llama3",
      factor: 8,
      low_freq_factor: 1,
      high_freq_factor: 4,
      context: 6,
    },
  },
  "a Llama with a window": { ...LLAMA, attention_window: 3 },
  "a Llama with norms of heads": { ...LLAMA, qk_norm: true },
  "one with norms of heads and a window": { ...LLAMA, qk_norm: true, attention_window: 3 },
  "a mixture of experts": { ...MOE, experts_per_token: 1, balance_weight: 0.25 },
  "a mixture of experts with a window": { ...MOE, attention_window: 3, tie_embeddings: true },
  "an LSTM of two layers": {
    ...RECURRENT,
    cell: "lstm",
    layers: 2,
    dropout: 0.2,
    shared_dropout: true,
  },
  "a GRU": { ...RECURRENT, cell: "gru" },
  "an RNN": { ...RECURRENT, cell: "rnn_tanh" },
};

/** A saved model, exported, opened again. */
async function exported(path: string, input: PortableInput, data?: RunInput["data"]) {
  await saveModel(`${path}/run`, { input, step: 3, ...(data && { data }) });
  const run = await openModel(`${path}/run`);
  await writeExported(`${path}/out`, run);
  return { run, out: await openModel(`${path}/out`) };
}

const bits = (params: ReadonlyMap<string, NamedTensor>) =>
  [...params.values()].map((
    { name, shape, data },
  ) => [name, shape, [...new Uint32Array(data.slice().buffer)]])
    .sort();

const whatOf = (
  { model, context, vocabulary, classes, targetKind, tokenizer, step }: OpenedModel,
) => ({
  model,
  context,
  vocabulary,
  classes,
  targetKind,
  tokenizer: tokenizer?.toJSON(),
  step,
});

for (const [name, model] of Object.entries(MODELS)) {
  Deno.test(`${name} comes back from a run, a folder and a run as it was`, async () => {
    using temp = new TempFolder();
    const { run, out } = await exported(temp.path, { model });
    assertEquals(bits(out.params), bits(run.params));
    assertEquals(whatOf(out), whatOf(run));
    await writeImported(`${temp.path}/back`, { opened: out, name: "back" });
    const back = await openModel(`${temp.path}/back`);
    assertEquals(bits(back.params), bits(run.params));
    assertEquals(whatOf(back), { ...whatOf(run), step: 0 });
    const path = `${temp.path}/back/checkpoints/step-00000000`;
    const { optimizer } = await openCheckpoint(path);
    assertEquals(optimizer.size, 2 * run.params.size);
    for (const { data } of optimizer.values()) assert(data.every((x) => x === 0));
    assertEquals(names(`${temp.path}/back`), ["checkpoints", "config.json"]);
    const config = JSON.parse(Deno.readTextFileSync(`${temp.path}/back/config.json`));
    assertEquals(config.data.seq_len, run.context);
  });
}

Deno.test("a model of labels comes back from its folder, and is no run's to begin with", async () => {
  using temp = new TempFolder();
  const input = {
    model: { ...RECURRENT, bidirectional: true },
    classes: 2,
    targetKind: "token_class" as const,
  };
  const { run, out } = await exported(temp.path, input, { source: "truecase" });
  assertEquals([bits(out.params), whatOf(out)], [bits(run.params), whatOf(run)]);
  const import_ = () => writeImported(`${temp.path}/back`, { opened: out, name: "back" });
  await assertRejects(import_, UserError, "need a model that is asked for the next token");
  assertEquals(names(temp.path), ["out", "run"]);
});

Deno.test("models that no layout holds are refused, and nothing is written", async () => {
  using temp = new TempFolder();
  const refused = async (input: PortableInput, says: string) => {
    const made = { ...portableOf(input), step: 0, tokenizer: undefined };
    await assertRejects(() => writeExported(`${temp.path}/out`, made), UserError, says);
    assertEquals(names(temp.path), []);
  };
  await refused({ model: { ...RECURRENT, cell: "gru_before" } }, "resets after the product");
  await refused({ model: GPT, targetKind: "sequence_class", classes: 2 }, "it gives labels");
  for (const positions of ["rotary", "alibi", "none"]) {
    const says = `as GPT-2: need learned or sinusoidal positions: it has positions=${positions}`;
    await refused({ model: { ...GPT, positions } }, says);
  }
  await refused({ model: { ...GPT, kv_heads: 1 } }, "need as many heads of keys as heads: it has");
  await refused({ model: { ...GPT, attention_window: 4 } }, "it has attention_window=4");
});

Deno.test("a folder that holds something is not written to, an empty one is", async () => {
  using temp = new TempFolder();
  const made = { ...portableOf({ model: GPT }), step: 0, tokenizer: undefined };
  const out = `${temp.path}/out`;
  Deno.mkdirSync(out);
  await writeExported(out, made);
  assertEquals(names(out), ["config.json", "generation_config.json", "model.safetensors"]);
  Deno.mkdirSync(`${temp.path}/disk`);
  Deno.symlinkSync(`${temp.path}/disk`, `${temp.path}/link`);
  await writeExported(`${temp.path}/link`, made);
  assertEquals(names(`${temp.path}/disk`), names(out));
  for (const name of ["disk", "link"]) Deno.removeSync(`${temp.path}/${name}`, { recursive: true });
  const again = () => writeExported(out, made);
  await assertRejects(again, UserError, "need a folder that is empty or new: it holds config.json");
  const opened = await openModel(out);
  const import_ = () => writeImported(out, { opened, name: "x" });
  await assertRejects(import_, UserError, "need a folder that is empty or new");
  const file = () => writeExported(`${out}/config.json`, made);
  await assertRejects(file, UserError, "need a folder: it is a file");
  assertEquals(names(temp.path), ["out"]);
});
