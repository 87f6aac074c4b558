/** Tokenizers of imported and exported models: precedence of files, and ids in Python. */
import { assertEquals, assertRejects } from "@std/assert";
import { fileURLToPath } from "node:url";
import { UserError } from "../../src/base/user_error.ts";
import { byteTokenizer } from "../../src/data/tokenizers/byte.ts";
import { toHuggingFace } from "../../src/data/tokenizers/huggingface.ts";
import { tokenizerHash } from "../../src/data/tokenizers/mod.ts";
import type { Tokenizer } from "../../src/data/tokenizers/types.ts";
import { writeExported } from "../../src/artifacts/exported.ts";
import { openModel } from "../../src/artifacts/model.ts";
import { TempFolder } from "../checkpoint/fixture.ts";
import { portableOf } from "./models.ts";

const TINY = fileURLToPath(new URL("../golden/hf_gpt2_tiny", import.meta.url));
/** Ids of the library that wrote the folder, tokenizers 0.23.3: encode(text).ids */
const ENCODED = { text: "the whale and the old ship", ids: [50, 39, 32, 23, 53, 60, 13] };

/** The tiny GPT-2 with some of its tokenizer's files, opened. */
async function openWith(names: readonly string[], more: Readonly<Record<string, string>> = {}) {
  using temp = new TempFolder();
  for (const name of ["config.json", "model.safetensors", ...names]) {
    Deno.copyFileSync(`${TINY}/${name}`, `${temp.path}/${name}`);
  }
  for (const [name, text] of Object.entries(more)) {
    Deno.writeTextFileSync(`${temp.path}/${name}`, text);
  }
  return (await openModel(temp.path)).tokenizer;
}

Deno.test("tokenizer.json, or vocab.json with merges.txt, give the ids of the library", async () => {
  for (const names of [["tokenizer.json"], ["vocab.json", "merges.txt"]]) {
    const tokenizer = await openWith(names) as Tokenizer;
    assertEquals([tokenizer.kind, tokenizer.size, tokenizer.end], ["bpe", 61, 0]);
    assertEquals(Array.from(tokenizer.encode(ENCODED.text)), ENCODED.ids);
  }
  assertEquals(await openWith([]), undefined);
});

Deno.test("our own form of a tokenizer wins over the others beside it", async () => {
  const spec = '{"kind":"char","chars":"ab"}';
  const tokenizer = await openWith(["tokenizer.json"], { "tokenizer.shoal.json": spec });
  assertEquals(tokenizer?.toJSON(), { kind: "char", chars: "ab" });
});

Deno.test("a tokenizer's files that are not whole are refused", async () => {
  const refused = (names: readonly string[], more: Record<string, string>, says: string) =>
    assertRejects(() => openWith(names, more), UserError, says);
  await refused(["vocab.json"], {}, "merges.txt is missing");
  await refused([], { "tokenizer.json": "{" }, "tokenizer.json is not valid JSON");
  await refused([], { "tokenizer.json": "{}" }, "tokenizer.json: need another value at model");
  await refused(["vocab.json"], { "merges.txt": "a" }, "merges.txt: need two tokens");
});

Deno.test("a tokenizer goes out with its model in our form and in Python's", async () => {
  using temp = new TempFolder();
  const portable = portableOf({ model: { kind: "gpt", width: 8, heads: 2 }, vocabulary: 257 });
  const tokenizer = byteTokenizer({ end: true });
  const out = `${temp.path}/out`;
  await writeExported(out, { ...portable, step: 3, tokenizer });
  const read = (name: string) => JSON.parse(Deno.readTextFileSync(`${out}/${name}`));
  assertEquals(read("tokenizer.shoal.json"), tokenizer.toJSON());
  assertEquals(read("tokenizer.json"), toHuggingFace(tokenizer)["tokenizer.json"]);
  const { model_max_length, eos_token } = read("tokenizer_config.json");
  assertEquals([model_max_length, eos_token], [portable.context, "<|endoftext|>"]);
  const { bos_token_id, eos_token_id, vocab_size } = read("config.json");
  assertEquals([bos_token_id, eos_token_id, vocab_size], [256, 256, 257]);
  assertEquals(read("generation_config.json").eos_token_id, 256);
  // Without our own form the other is known for what it is.
  Deno.removeSync(`${out}/tokenizer.shoal.json`);
  const back = (await openModel(out)).tokenizer as Tokenizer;
  assertEquals(tokenizerHash(back), tokenizerHash(tokenizer));
});
