/** Weights in several files: what their index may say, and a Llama's config that is refused. */
import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { fileURLToPath } from "node:url";
import { openModel } from "../../src/artifacts/model.ts";
import { UserError } from "../../src/base/user_error.ts";
import { TempFolder } from "../checkpoint/fixture.ts";

const GOLDEN = fileURLToPath(new URL("../golden/transformers/", import.meta.url));
const INDEX = "model.safetensors.index.json";
const LAST = "model-00002-of-00002.safetensors";

/** A copy of a golden folder. */
function copyOf(name: string, to: string): void {
  for (const { name: file } of Deno.readDirSync(GOLDEN + name)) {
    Deno.copyFileSync(`${GOLDEN}${name}/${file}`, `${to}/${file}`);
  }
}

function editJson(path: string, edit: (json: Record<string, unknown>) => void): void {
  const json = JSON.parse(Deno.readTextFileSync(path));
  edit(json);
  Deno.writeTextFileSync(path, JSON.stringify(json));
}

/** The line with which an edited copy is refused. */
async function fault(name: string, edit: (folder: string) => void): Promise<string> {
  using temp = new TempFolder();
  copyOf(name, temp.path);
  edit(temp.path);
  const refusal = await assertRejects(() => openModel(temp.path), UserError);
  assertEquals(refusal.exit, "data");
  assert(!refusal.message.includes("\n"));
  return refusal.message;
}

Deno.test("an index that does not agree with its files is refused", async () => {
  const withMap = (edit: (map: Record<string, unknown>) => void) => (folder: string) =>
    editJson(`${folder}/${INDEX}`, (json) => edit(json["weight_map"] as Record<string, unknown>));
  const cases: readonly (readonly [(folder: string) => void, string])[] = [
    [(folder) => Deno.removeSync(`${folder}/${LAST}`), `need ${LAST}: it is missing`],
    [withMap((map) => map["model.norm.weight"] = "../model.safetensors"), "weight_map"],
    [withMap((map) => delete map["model.norm.weight"]), "names no file"],
    [withMap((map) => map["model.more.weight"] = LAST), "lacks model.more.weight"],
    [(folder) => Deno.writeTextFileSync(`${folder}/${INDEX}`, "{}"), "weight_map"],
    [(folder) => Deno.writeTextFileSync(`${folder}/${INDEX}`, "{"), "is not valid JSON"],
    [
      (folder) =>
        Deno.copyFileSync(`${folder}/model-00001-of-00002.safetensors`, folder + "/" + LAST),
      "for which model.safetensors.index.json names",
    ],
  ];
  for (const [edit, says] of cases) assertStringIncludes(await fault("mistral", edit), says);
});

Deno.test("a Llama that our kernels do not compute is refused by its key", async () => {
  const cases: readonly (readonly [string, Record<string, unknown>, string])[] = [
    ["llama", { hidden_act: "gelu" }, "hidden_act: need silu: gelu"],
    ["llama", { attention_bias: true }, "attention_bias: "],
    ["llama", { mlp_bias: true }, "mlp_bias: "],
    ["llama", { num_attention_heads: 5, head_dim: null }, "width 12, heads 5"],
    ["llama", { num_key_value_heads: 4 }, "need a divisor of heads: kv_heads 4, heads 6"],
    ["llama", { head_dim: 3 }, "need heads of even width for rotary positions: 3"],
    ["llama", { intermediate_size: 16 }, "need layers.0.mlp.gate_proj.weight of shape [16, 12]"],
    ["llama", { num_hidden_layers: 3 }, "need the tensor layers.2.input_layernorm.weight [12]"],
    ["llama", { tie_word_embeddings: true }, "need lm_head.weight equal to embed_tokens.weight"],
    [
      "llama",
      { rope_parameters: { rope_type: "dynamic" } },
      "need default, linear, llama3 or yarn",
    ],
    ["llama", { rope_parameters: { rope_type: "linear" } }, "a number for rope_type linear"],
    ["llama", { quantization_config: { quant_method: "gptq" } }, "then save it): gptq"],
    ["qwen3", { use_sliding_window: true }, "need sliding_attention in all layers, or in none"],
    ["mistral", { vocab_size: undefined }, "vocab_size: "],
    ["mixtral", { num_experts_per_tok: 9 }, "need at most num_local_experts, 4: 9"],
    ["mixtral", { num_local_experts: 5 }, "block_sparse_moe.gate.weight of shape [5, 12]"],
    ["mixtral", { hidden_act: "gelu" }, "hidden_act: need silu: gelu"],
  ];
  for (const [name, change, says] of cases) {
    const edit = (folder: string) =>
      editJson(`${folder}/config.json`, (json) => void Object.assign(json, change));
    assertStringIncludes(await fault(name, edit), says);
  }
});

Deno.test("the keys of older files mean the same", async () => {
  using temp = new TempFolder();
  copyOf("llama", temp.path);
  const whole = await openModel(temp.path);
  editJson(`${temp.path}/config.json`, (json) => {
    const { rope_theta, ...scaling } = json["rope_parameters"] as Record<string, unknown>;
    const { rope_type: type, ...rest } = scaling;
    Object.assign(json, {
      rope_theta,
      rope_scaling: { type, ...rest },
      rope_parameters: undefined,
    });
  });
  assertEquals((await openModel(temp.path)).model, whole.model);
});
