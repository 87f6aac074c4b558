/** The encoder and BERT: older names, parts for other tasks, what is refused, and the way back. */
import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { fileURLToPath } from "node:url";
import { writeExported } from "../../src/artifacts/exported.ts";
import { writeImported } from "../../src/artifacts/imported.ts";
import { openModel } from "../../src/artifacts/model.ts";
import { UserError } from "../../src/base/user_error.ts";
import { readSafetensors, writeSafetensors } from "../../src/checkpoint/tensors/safetensors.ts";
import type { NamedTensor } from "../../src/checkpoint/tensors/tensor.ts";
import { MASK_TOKEN, withSpecialTokens } from "../../src/data/tokenizers/special/special.ts";
import { TempFolder } from "../checkpoint/fixture.ts";
import { portableOf, tokenizerOf } from "./models.ts";

const BERT = fileURLToPath(new URL("../golden/transformers/bert", import.meta.url));
const ENCODER = { kind: "encoder", width: 8, heads: 2, mlp_width: 6, norm_eps: 1e-6 };

type Tensors = Map<string, NamedTensor>;

/** A copy of the golden BERT with changes, opened. */
async function openChanged(
  config: Record<string, unknown>,
  change: (tensors: Tensors) => void = () => {},
) {
  using temp = new TempFolder();
  const json = JSON.parse(await Deno.readTextFile(`${BERT}/config.json`));
  await Deno.writeTextFile(`${temp.path}/config.json`, JSON.stringify({ ...json, ...config }));
  const tensors: Tensors = new Map((await readSafetensors(`${BERT}/model.safetensors`)).tensors);
  change(tensors);
  const named = [...tensors].map(([name, tensor]) => ({ ...tensor, name }));
  await writeSafetensors(`${temp.path}/model.safetensors`, named);
  return await openModel(temp.path);
}

/** Renames a tensor, or adds one. */
const renamed = (pattern: RegExp, to: string) => (tensors: Tensors) => {
  for (const [name, tensor] of [...tensors]) {
    tensors.delete(name);
    tensors.set(name.replace(pattern, to), tensor);
  }
};
const added = (name: string, from: string) => (tensors: Tensors) =>
  void tensors.set(name, tensors.get(from) as NamedTensor);

Deno.test("older names, no prefix, and parts for other tasks read as the same model", async () => {
  const whole = await openModel(BERT);
  const older = (tensors: Tensors) => {
    renamed(/LayerNorm\.weight$/, "LayerNorm.gamma")(tensors);
    renamed(/LayerNorm\.bias$/, "LayerNorm.beta")(tensors);
  };
  const dense = "bert.encoder.layer.0.output.dense.weight";
  for (
    const change of [
      older,
      renamed(/^bert\./, ""),
      added("bert.pooler.dense.weight", dense),
      added("cls.seq_relationship.weight", dense),
      added("cls.predictions.decoder.weight", "bert.embeddings.word_embeddings.weight"),
      added("cls.predictions.decoder.bias", "cls.predictions.bias"),
    ]
  ) {
    const { model, params } = await openChanged({}, change);
    assertEquals([model, params], [whole.model, whole.params]);
  }
});

Deno.test("a BERT that our kernels do not compute is refused by its key", async () => {
  const cases: readonly (readonly [Record<string, unknown>, string])[] = [
    [{ hidden_act: "silu" }, "hidden_act: need gelu or gelu_new or"],
    [{ position_embedding_type: "relative_key" }, "position_embedding_type: "],
    [{ is_decoder: true }, "is_decoder: "],
    [{ num_attention_heads: 5 }, "need a multiple of heads: width 12, heads 5"],
    [{ tie_word_embeddings: false }, "tie_word_embeddings: need true: false"],
    [{ type_vocab_size: 3 }, "token_type_embeddings.weight of shape [3, 12]: it is [2, 12]"],
    [{ quantization_config: { quant_method: "gptq" } }, "then save it): gptq"],
  ];
  for (const [config, says] of cases) {
    const { message, exit } = await assertRejects(() => openChanged(config), UserError);
    assertStringIncludes(message, says);
    assertEquals(exit, "data");
  }
  const other = added(
    "cls.predictions.decoder.weight",
    "bert.embeddings.token_type_embeddings.weight",
  );
  await assertRejects(() => openChanged({}, other), UserError, "since tie_word_embeddings is true");
  const bare = (tensors: Tensors) => {
    for (const name of [...tensors.keys()]) if (name.startsWith("cls.")) tensors.delete(name);
  };
  await assertRejects(() => openChanged({}, bare), UserError, "cls.predictions.transform.dense");
});

Deno.test("an encoder goes out as BERT and comes back as a run of masked text", async () => {
  using temp = new TempFolder();
  const tokenizer = withSpecialTokens(tokenizerOf(10), [MASK_TOKEN]);
  const made = portableOf({ model: ENCODER, targetKind: "token_class" });
  await writeExported(`${temp.path}/out`, { ...made, step: 4, tokenizer });
  const out = await openModel(`${temp.path}/out`);
  assertEquals([out.model, out.params], [made.model, made.params]);
  const config = await writeImported(`${temp.path}/back`, { opened: out, name: "back" });
  assertEquals(config.data.source, "masked");
  const back = await openModel(`${temp.path}/back`);
  assertEquals([...back.params.values()], [...shapeOrder(back.params, made.params)]);
  assertEquals(back.tokenizer?.special?.(MASK_TOKEN), tokenizer.size - 1);
  assert(back.classes === back.vocabulary);
});

/** Parameters in the order of others. */
function* shapeOrder(
  order: ReadonlyMap<string, unknown>,
  params: ReadonlyMap<string, NamedTensor>,
) {
  for (const name of order.keys()) yield params.get(name) as NamedTensor;
}

Deno.test("an encoder of labels has no layout", async () => {
  using temp = new TempFolder();
  const made = portableOf({ model: ENCODER, targetKind: "token_class", classes: 2 });
  const write = () => writeExported(`${temp.path}/out`, { ...made, step: 0, tokenizer: undefined });
  await assertRejects(write, UserError, "need one that tells hidden tokens: it tells 2 classes");
});
