/** Imports: every form of GPT-2 checkpoints, and errors. */
import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { fileURLToPath } from "node:url";
import { UserError } from "../../src/base/user_error.ts";
import { readSafetensors, writeSafetensors } from "../../src/checkpoint/tensors/safetensors.ts";
import type { NamedTensor } from "../../src/checkpoint/tensors/tensor.ts";
import { openModel } from "../../src/artifacts/model.ts";
import { TempFolder } from "../checkpoint/fixture.ts";
import { foreignFile } from "../support/foreign.ts";

const TINY = fileURLToPath(new URL("../golden/hf_gpt2_tiny", import.meta.url));

type Tensors = Map<string, NamedTensor>;

/** What differs from the tiny GPT-2. */
interface Change {
  readonly config?: Readonly<Record<string, unknown>>;
  readonly tensors?: (tensors: Tensors) => void;
}

/** A copy of the tiny GPT-2 with changes, opened. */
async function openChanged({ config, tensors }: Change) {
  using temp = new TempFolder();
  await writeChanged(temp.path, { ...(config && { config }), ...(tensors && { tensors }) });
  return await openModel(temp.path);
}

async function writeChanged(folder: string, { config, tensors }: Change): Promise<void> {
  const json = JSON.parse(await Deno.readTextFile(`${TINY}/config.json`));
  await Deno.writeTextFile(`${folder}/config.json`, JSON.stringify({ ...json, ...config }));
  const all: Tensors = new Map((await readSafetensors(`${TINY}/model.safetensors`)).tensors);
  tensors?.(all);
  const named = [...all].map(([name, tensor]) => ({ ...tensor, name }));
  await writeSafetensors(`${folder}/model.safetensors`, named);
}

/** The line with which a changed copy is refused. */
async function fault(change: Change): Promise<string> {
  const refusal = await assertRejects(() => openChanged(change), UserError);
  assertEquals(refusal.exit, "data");
  assert(!refusal.message.includes("\n"));
  return refusal.message;
}

const WTE = "transformer.wte.weight";

Deno.test("a GPT-2 is read with and without the prefix of its head's class", async () => {
  const whole = await openModel(TINY);
  const bare = await openChanged({
    tensors: (all) => {
      for (const [name, tensor] of [...all]) {
        all.delete(name);
        all.set(name.replace("transformer.", ""), tensor);
      }
    },
  });
  assertEquals(bare.params, whole.params);
  assertEquals(whole.model, {
    kind: "gpt",
    layers: 2,
    width: 16,
    heads: 4,
    dropout: 0.1,
    kv_heads: null,
    attention_window: null,
    positions: "learned",
    rotary_theta: 10000,
    tie_embeddings: true,
    mup_base_width: null,
    mup_base_heads: null,
  });
  assertEquals([whole.context, whole.vocabulary, whole.kind, whole.step], [
    16,
    61,
    "export",
    undefined,
  ]);
});

Deno.test("causal masks in a file of GPT-2 are passed over", async () => {
  const { params } = await openChanged({
    tensors: (all) => {
      const mask = { name: "", shape: [1, 1, 2, 2], data: Float32Array.of(1, 0, 1, 1) };
      all.set("transformer.h.0.attn.bias", mask);
      all.set("transformer.h.1.attn.masked_bias", { ...mask, shape: [4] });
    },
  });
  assertEquals(params, (await openModel(TINY)).params);
});

Deno.test("a head that equals the embedding is tied, another is not", async () => {
  const head = (all: Tensors, by: number) => {
    const { shape, data } = all.get(WTE) as NamedTensor;
    all.set("lm_head.weight", { name: "", shape, data: data.map((x) => x * by) });
  };
  const same = await openChanged({ tensors: (all) => head(all, 1) });
  assertEquals(same.params.has("head.weight"), false);
  const untied = { tie_word_embeddings: false };
  const own = await openChanged({ config: untied, tensors: (all) => head(all, 2) });
  assertEquals(own.model.kind === "gpt" && own.model.tie_embeddings, false);
  const { shape, data } = own.params.get("head.weight") as NamedTensor;
  assertEquals(shape, [16, 61]);
  const table = own.params.get("tokens.weight") as NamedTensor;
  assertEquals(data[3 * 61 + 5], (table.data[5 * 16 + 3] as number) * 2);
  assertStringIncludes(
    await fault({ tensors: (all) => head(all, 2) }),
    "need lm_head.weight equal to wte.weight",
  );
  assertStringIncludes(
    await fault({ config: untied }),
    "need the tensor lm_head.weight [61, 16]: it is missing",
  );
});

Deno.test("a missing tensor, one of another shape and a stranger are refused by name", async () => {
  const name = "transformer.h.1.mlp.c_fc.weight";
  assertStringIncludes(
    await fault({ tensors: (all) => all.delete(name) }),
    "need the tensor h.1.mlp.c_fc.weight [16, 64]: it is missing",
  );
  const turned = (all: Tensors) =>
    all.set(name, { ...all.get(name) as NamedTensor, shape: [64, 16] });
  assertStringIncludes(
    await fault({ tensors: turned }),
    "need h.1.mlp.c_fc.weight of shape [16, 64]: it is [64, 16]",
  );
  const stranger = (all: Tensors) =>
    all.set("score.weight", { name: "", shape: [1], data: Float32Array.of(1) });
  assertStringIncludes(await fault({ tensors: stranger }), "score.weight is not one of them");
  const twice = (all: Tensors) => all.set("wte.weight", all.get(WTE) as NamedTensor);
  assertStringIncludes(await fault({ tensors: twice }), "wte.weight stands there twice");
});

Deno.test("numbers that are not finite are refused with their place", async () => {
  const spoil = (all: Tensors) => {
    const tensor = all.get(WTE) as NamedTensor;
    all.set(WTE, { ...tensor, data: tensor.data.with(7, NaN) });
  };
  assertStringIncludes(
    await fault({ tensors: spoil }),
    "need finite numbers: wte.weight has NaN at 7",
  );
});

Deno.test("a config that our kernels do not compute is refused by its key", async () => {
  const cases: readonly (readonly [Record<string, unknown>, string])[] = [
    [{ model_type: "rwkv" }, "model_type: need gpt2 or llama or "],
    [{ model_type: "rwkv" }, ' or shoal_char_cnn: "rwkv"'],
    [{ model_type: undefined }, "it says none"],
    // Counts whose tensors would be looked up one by one.
    [{ n_layer: 1e15 }, "n_layer: Too big"],
    [{ n_embd: 2 ** 40 }, "n_embd: Too big"],
    [{ architectures: ["GPT2ForSequenceClassification"] }, "architectures.0: "],
    [
      { activation_function: "relu" },
      "activation_function: need gelu_new or gelu_pytorch_tanh: relu",
    ],
    [{ layer_norm_epsilon: 1e-6 }, "layer_norm_epsilon: need 0.00001: 0.000001"],
    [{ n_inner: 32 }, "n_inner: need 4 x n_embd = 64: 32"],
    [{ scale_attn_by_inverse_layer_idx: true }, "scale_attn_by_inverse_layer_idx: "],
    [{ scale_attn_weights: false }, "scale_attn_weights: "],
    [{ add_cross_attention: true }, "add_cross_attention: "],
    [{ n_head: 5 }, "need a multiple of heads: width 16, heads 5"],
    [{ n_layer: "two" }, "n_layer: "],
    [{ n_layer: 3 }, "need the tensor h.2.ln_1.weight [16]: it is missing"],
    [{ n_positions: 8 }, "need wpe.weight of shape [8, 16]: it is [16, 16]"],
    [{ vocab_size: 60 }, "need wte.weight of shape [60, 16]: it is [61, 16]"],
    [{ hidden_size: 32 }, "hidden_size: need n_embd, which is 16: 32"],
    [{ num_hidden_layers: 3 }, "num_hidden_layers: need n_layer, which is 2: 3"],
    [
      { quantization_config: { quant_method: "bitsandbytes", load_in_8bit: true } },
      "quantization_config: need weights that are not quantized",
    ],
    [{ quantization_config: { quant_method: "gptq" } }, "then save it): gptq"],
  ];
  for (const [config, says] of cases) assertStringIncludes(await fault({ config }), says);
});

Deno.test("sizes may go by the names of other architectures, as in transformers", async () => {
  const own = { n_embd: undefined, n_layer: undefined, n_head: undefined, n_positions: undefined };
  const others = {
    hidden_size: 16,
    num_hidden_layers: 2,
    num_attention_heads: 4,
    max_position_embeddings: 16,
  };
  const whole = await openModel(TINY);
  for (const config of [{ ...own, ...others }, others]) {
    const { model, context, params } = await openChanged({ config });
    assertEquals([model, context, params], [whole.model, whole.context, whole.params]);
  }
});

Deno.test("dropouts that differ are said, equal ones and no quantization are not", async () => {
  const notes = async (config: Record<string, unknown>) => (await openChanged({ config })).notes;
  const [said = "", ...more] = await notes({ embd_pdrop: 0, resid_pdrop: 0.2 }) ?? [];
  assertEquals(more, []);
  for (const part of ["takes resid_pdrop, 0.2", "embd_pdrop is 0", "attn_pdrop 0.1"]) {
    assertStringIncludes(said, part);
  }
  assertEquals(await notes({ quantization_config: null }), undefined);
  assertEquals((await openChanged({ config: { resid_pdrop: 0.3 } })).model, {
    ...(await openModel(TINY)).model,
    dropout: 0.3,
  });
});

Deno.test("a folder that is not whole is refused with what it lacks", async () => {
  using temp = new TempFolder();
  const refused = async (says: string, exit = "data") => {
    const refusal = await assertRejects(() => openModel(temp.path), UserError, says);
    assertEquals(refusal.exit, exit);
  };
  await refused("need a run, a checkpoint or an exported model: it holds nothing", "noInput");
  await writeChanged(temp.path, {});
  const weights = `${temp.path}/model.safetensors`;
  const bytes = await Deno.readFile(weights);
  await Deno.writeFile(weights, bytes.subarray(0, -5));
  await refused("bytes of data: its header names");
  await Deno.writeFile(weights, new Uint8Array(3));
  await refused("is too short for a header");
  await Deno.remove(weights);
  await refused("need model.safetensors: it is missing");
  await Deno.writeFile(weights, bytes);
  await Deno.writeTextFile(`${temp.path}/config.json`, "{model_type");
  await refused("config.json is not valid JSON");
  await Deno.writeFile(`${temp.path}/config.json`, Uint8Array.of(0xff, 0xfe));
  await refused("config.json: need UTF-8 text: it is UTF-16");
  const json = await Deno.readTextFile(`${TINY}/config.json`);
  await Deno.writeTextFile(`${temp.path}/config.json`, "\ufeff" + json);
  assertEquals((await openModel(temp.path)).params, (await openModel(TINY)).params);
  await Deno.remove(`${temp.path}/config.json`);
  await refused("need config.json: it is missing");
});

Deno.test("a tokenizer with ids that the model does not know is refused", async () => {
  using temp = new TempFolder();
  await writeChanged(temp.path, {});
  const path = `${temp.path}/tokenizer.shoal.json`;
  await Deno.writeTextFile(path, '{"kind":"byte"}');
  const says = "need token ids below 61, the model's vocabulary: the tokenizer's reach 255";
  await assertRejects(() => openModel(temp.path), UserError, says);
  await Deno.writeTextFile(path, '{"kind":"runes"}');
  await assertRejects(() => openModel(temp.path), UserError, "tokenizer.shoal.json: ");
});

Deno.test("halves are widened, integers where weights belong are refused", async () => {
  using temp = new TempFolder();
  await writeChanged(temp.path, {});
  const { tensors } = await readSafetensors(`${temp.path}/model.safetensors`);
  const rewrite = (dtype: (name: string) => string) => {
    const file = [...tensors].map(([name, { shape, data }]) => {
      const kind = dtype(name);
      const bytes = kind === "F16"
        ? new Uint8Array(new Float16Array(data).buffer)
        : new Uint8Array(data.length * 8);
      return [name, [kind, shape, bytes]] as const;
    });
    Deno.writeFileSync(`${temp.path}/model.safetensors`, foreignFile(Object.fromEntries(file)));
  };
  // All weights are multiples of 1/64 below 2, which F16 holds exactly.
  rewrite(() => "F16");
  assertEquals((await openModel(temp.path)).params, (await openModel(TINY)).params);
  rewrite((name) => name === WTE ? "I64" : "F16");
  const says = "need wte.weight in F32, F16 or BF16: it is I64";
  await assertRejects(() => openModel(temp.path), UserError, says);
});
