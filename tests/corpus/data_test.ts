/** Prepared folders as data: names, and mixes that are refused. */
import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { UserError } from "../../src/base/user_error.ts";
import { byteTokenizer } from "../../src/data/tokenizers/byte.ts";
import { gpt2Tokenizer } from "../../src/data/tokenizers/bpe/gpt2.ts";
import { tokenizerHash } from "../../src/data/tokenizers/mod.ts";
import { readData } from "../../src/corpus/data.ts";
import { Desk, someText } from "../prepare/fixture.ts";
import { resolveConfig } from "../../src/config/resolve.ts";

Deno.test("mixed folders of one name are told apart, and none is taken twice", async () => {
  using desk = new Desk();
  desk.write("text.txt", someText(200));
  for (const out of ["a/text", "b/text", "c"]) {
    await desk.prepare(["text.txt"], { out, tokenizer: "byte" });
  }
  const namesOf = async (...outs: readonly string[]) => {
    const mix = Object.fromEntries(outs.map((out) => [desk.of(out), 1]));
    const { corpus } = await readData(resolveConfig({ data: { mix, seq_len: 8 } }));
    return corpus.texts.map(({ name }) => name);
  };
  assertEquals(await namesOf("a/text", "c"), ["text", "c"]);
  assertEquals(await namesOf("a/text", "b/text"), [desk.of("a/text"), desk.of("b/text")]);
  const refusal = await assertRejects(() => namesOf("c", "c/"), UserError, "need each once");
  assertEquals(refusal.exit, "config");
});

Deno.test("a folder has its own tokenizer, and another that is asked for is refused with both hashes", async () => {
  using desk = new Desk();
  desk.write("text.txt", someText(200));
  await desk.prepare(["text.txt"], { out: "bytes", tokenizer: "byte" });
  await desk.prepare(["text.txt"], { out: "pairs", tokenizer: "bpe:300" });
  const read = async (out: string, tokenizer: string | null) => {
    const path = desk.of(out);
    return (await readData(resolveConfig({ data: { path, tokenizer, seq_len: 8 } }))).corpus;
  };
  for (const asked of [null, "byte"]) {
    assertEquals((await read("bytes", asked)).tokenizer?.kind, "byte");
  }
  for (const asked of [null, "bpe:300"]) {
    assertEquals((await read("pairs", asked)).tokenizer?.kind, "bpe");
  }
  const [byte, gpt2] = [
    tokenizerHash(byteTokenizer({ end: false })),
    tokenizerHash(gpt2Tokenizer()),
  ];
  const cases = [
    { out: "pairs", asked: "byte", says: [byte] },
    { out: "bytes", asked: "gpt2", says: [byte, gpt2] },
    { out: "bytes", asked: "char", says: [byte, "none is learnt beside it"] },
    { out: "pairs", asked: "bpe:301", says: ["bpe:301", "none is learnt beside it"] },
  ];
  for (const { out, asked, says } of cases) {
    const { exit, message } = await assertRejects(() => read(out, asked), UserError);
    assertEquals(exit, "incompatible");
    for (const words of says) assertStringIncludes(message, words);
  }
});
