/** The encoder-decoder and Marian: logits, loss, gradients, greedy and beam search, and the way back. */
import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { fileURLToPath } from "node:url";
import { incoming } from "../../src/artifacts/exchange.ts";
import { writeExported } from "../../src/artifacts/exported.ts";
import { writeImported } from "../../src/artifacts/imported.ts";
import { openModel } from "../../src/artifacts/model.ts";
import { IGNORE } from "../../src/base/ignore.ts";
import { UserError } from "../../src/base/user_error.ts";
import { readForeign } from "../../src/checkpoint/tensors/foreign.ts";
import { resolveConfig } from "../../src/config/resolve.ts";
import { SIDE_END, SIDE_PAD } from "../../src/data/pairs/encode.ts";
import { withSpecialTokens } from "../../src/data/tokenizers/special/special.ts";
import { SHARE, traceGradient } from "../../src/engine/plans.ts";
import { writeTargets } from "../../src/engine/targets/write.ts";
import { openWriter } from "../../src/engine/targets/writer.ts";
import { newTrace } from "../../src/graph/trace.ts";
import type { Tensor } from "../../src/graph/types.ts";
import { modelOf } from "../../src/models/mod.ts";
import { newScope } from "../../src/nn/scope.ts";
import { LOSS } from "../../src/plan/layout.ts";
import { TempFolder } from "../checkpoint/fixture.ts";
import { runTrace } from "../support/graph/run_trace.ts";
import type { Numbers } from "../support/graph/torch_golden.ts";
import { assertNear, onBoth } from "./golden.ts";
import { tokenizerOf } from "./models.ts";

const GOLDEN = fileURLToPath(new URL("../golden/transformers/", import.meta.url));
const NAMES = ["marian", "marian_swish"];
/** Tokens that the golden searches wrote at most, and their beams. */
const [NEW, BEAMS] = [8, 3];

interface Golden {
  readonly source: readonly (readonly number[])[];
  readonly lengths: readonly number[];
  readonly labels: readonly (readonly number[])[];
  readonly logits: Numbers;
  readonly loss: number;
  readonly greedy: readonly (readonly number[])[];
}

async function read(name: string) {
  const folder = GOLDEN + name;
  const golden: Golden = JSON.parse(await Deno.readTextFile(`${folder}/golden.json`));
  const opened = await openModel(folder);
  const { vocabulary } = opened;
  const [end, start] = [vocabulary - 2, vocabulary - 1];
  const [rows, time] = golden.logits.shape as [number, number];
  const values: Record<string, ArrayLike<number>> = {
    source: Uint32Array.from(golden.source.flat()),
    source_lengths: Uint32Array.from(golden.lengths),
    // Targets shifted by the start, as the class there does; labels that do not count are padding.
    tokens: Uint32Array.from(
      golden.labels.flatMap((row) => [
        start,
        ...row.slice(0, -1).map((label) => label < 0 ? start : label),
      ]),
    ),
    targets: Uint32Array.from(golden.labels.flat(), (label) => label < 0 ? IGNORE : label),
  };
  for (const [name, { data }] of opened.params) values[name] = data;
  return { folder, golden, opened, values, rows, time, end, start };
}

for (const name of NAMES) {
  onBoth(`a ${name} that transformers saved gives its logits`, async (device) => {
    const { golden, opened, values, rows, time } = await read(name);
    const { model, vocabulary } = opened;
    const trace = newTrace();
    const { scope } = newScope(trace, { training: false });
    const tensor = (name: string, shape: number[]) =>
      trace.source({ shape, dtype: "u32" }, "batch", name);
    const logits = modelOf(model).sequence?.(scope, {
      source: tensor("source", [rows, time]),
      lengths: tensor("source_lengths", [rows]),
      tokens: tensor("tokens", [rows, time]),
      vocabulary,
    }, model) as Tensor;
    assertEquals(logits.shape, golden.logits.shape);
    assertNear(
      (await runTrace(device, { logits }, values))["logits"],
      golden.logits.data,
      "logits",
    );
  });

  onBoth(`a ${name} that transformers saved gives its loss and all gradients`, async (device) => {
    const { folder, golden, opened, values, rows, time } = await read(name);
    const config = resolveConfig({
      model: { ...opened.model, dropout: 0 },
      data: { source: "pairs", seq_len: time },
      micro_batches: 1,
      micro_batch_size: rows,
    });
    const counted = golden.labels.flat().filter((label) => label >= 0).length;
    const { graph } = traceGradient(config, opened.vocabulary);
    const got = await runTrace(device, graph.results, { ...values, [SHARE]: [1 / counted] });
    assertNear(got[LOSS], [golden.loss], "loss");
    const weights = `${folder}/gradients.safetensors`;
    const { tensors, others } = await readForeign(weights);
    const { vocabulary } = opened;
    // The bias of the logits is no parameter there: it has no gradient.
    const zeros = new Float32Array(vocabulary);
    const bias = { name: "final_logits_bias", shape: [1, vocabulary], data: zeros };
    const file = { tensors: new Map([...tensors, ["final_logits_bias", bias]]), others };
    const json = JSON.parse(await Deno.readTextFile(`${folder}/config.json`));
    const want = incoming(json, file, { config: folder, weights });
    assertEquals([...want.params.keys()].sort(), [...opened.params.keys()].sort());
    for (const [name, { data }] of want.params) {
      if (name !== "head.bias") assertNear(got[`grad:${name}`], data, name);
    }
  });

  onBoth(`a ${name} that transformers saved writes targets as there`, async (device) => {
    const { folder, golden, opened, end, start } = await read(name);
    const json = JSON.parse(await Deno.readTextFile(`${folder}/golden.json`));
    const sources = golden.source.map((row, i) =>
      Uint32Array.from(row.slice(0, golden.lengths[i]))
    );
    const writer = await openWriter(device, opened, { rows: 2 * BEAMS, start });
    const wanted = (rows: readonly (readonly number[])[]) =>
      rows.map(([, ...row]) => row.includes(end) ? row.slice(0, row.indexOf(end)) : row);
    const write = (beams: number, lengthPenalty: number) =>
      writeTargets(writer, sources, { writing: { beams, lengthPenalty, end }, most: NEW });
    assertEquals(await write(1, 1), wanted(golden.greedy));
    for (const penalty of [0, 1, 2]) {
      const rows = json[`beams_${penalty}`] as number[][];
      assertEquals(await write(BEAMS, penalty), wanted(rows), `length penalty ${penalty}`);
    }
  });
}

Deno.test("an encoder-decoder goes out as Marian and comes back as it was", async () => {
  using temp = new TempFolder();
  const { opened } = await read("marian");
  const size = opened.vocabulary - 2;
  const tokenizer = withSpecialTokens(tokenizerOf(size), [SIDE_END, SIDE_PAD]);
  await writeExported(`${temp.path}/out`, { ...opened, step: 3, tokenizer });
  const out = await openModel(`${temp.path}/out`);
  assertEquals([out.model, out.params], [opened.model, opened.params]);
  const config = await writeImported(`${temp.path}/back`, { opened: out, name: "back" });
  assertEquals([config.data.source, config.data.seq_len], ["pairs", opened.context]);
  const back = await openModel(`${temp.path}/back`);
  for (const [name, { data }] of opened.params) assertEquals(back.params.get(name)?.data, data);
});

Deno.test("a Marian that our kernels do not compute is refused by its key", async () => {
  const cases: readonly (readonly [Record<string, unknown>, string])[] = [
    [{ activation_function: "tanh" }, "activation_function: need relu or"],
    [{ scale_embedding: false }, "scale_embedding: "],
    [{ share_encoder_decoder_embeddings: false }, "share_encoder_decoder_embeddings: "],
    [{ decoder_ffn_dim: 9 }, "decoder_ffn_dim: need 17, as the encoder has: 9"],
    [{ decoder_attention_heads: 2 }, "decoder_attention_heads: need 3, as the encoder has: 2"],
    [{ decoder_vocab_size: 24 }, "decoder_vocab_size: need 23, as the encoder has: 24"],
    [{ encoder_layers: 3 }, "need the tensor encoder.layers.2.self_attn.q_proj.weight"],
    [{ tie_word_embeddings: false }, "tie_word_embeddings: need true: false"],
  ];
  for (const [change, says] of cases) {
    using temp = new TempFolder();
    for (const { name } of Deno.readDirSync(`${GOLDEN}marian`)) {
      Deno.copyFileSync(`${GOLDEN}marian/${name}`, `${temp.path}/${name}`);
    }
    const path = `${temp.path}/config.json`;
    const json = { ...JSON.parse(Deno.readTextFileSync(path)), ...change };
    Deno.writeTextFileSync(path, JSON.stringify(json));
    const { message } = await assertRejects(() => openModel(temp.path), UserError);
    assertStringIncludes(message, says);
  }
});
