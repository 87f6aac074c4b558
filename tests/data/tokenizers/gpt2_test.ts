/** GPT-2's tokens compared with ids from other encoders. */
import { assertEquals } from "@std/assert";
import { sha256 } from "../../../src/base/hash.ts";
import { gpt2Parts, gpt2Tokenizer } from "../../../src/data/tokenizers/bpe/gpt2.ts";
import { bytesToUnicode } from "../../../src/data/tokenizers/byte_unicode.ts";

const golden: { strings: [string, number[]][]; "vocab.bpe": string } = JSON.parse(
  await Deno.readTextFile(new URL("../../golden/gpt2_ids.json", import.meta.url)),
);

Deno.test("gpt2 gives the published encoder's ids", () => {
  const tokenizer = gpt2Tokenizer();
  assertEquals(golden.strings.length > 150, true);
  for (const [text, ids] of golden.strings) {
    assertEquals(Array.from(tokenizer.encode(text)), ids, JSON.stringify(text));
    assertEquals(tokenizer.decode(ids), text);
  }
});

Deno.test("gpt2 gives the same ids in a long text as string by string", () => {
  const tokenizer = gpt2Tokenizer();
  // A letter after a line end begins a new pre-token.
  const texts = golden.strings.filter(([text]) => /^[A-Za-z]/.test(text) && /\S$/u.test(text));
  const line = texts.map(([text]) => text + "\n").join("");
  const ids = texts.flatMap(([text]) => [...tokenizer.encode(text), 198]);
  const times = Math.ceil(2 ** 18 / line.length);
  const long = tokenizer.encode(line.repeat(times));
  assertEquals(long.length, ids.length * times);
  assertEquals(Array.from(long.subarray(long.length - ids.length)), ids);
});

Deno.test("gpt2's merges, derived from ranks, are OpenAI's vocab.bpe to the last byte", () => {
  const { tokens, pairs } = gpt2Parts();
  const text = (id: number) => bytesToUnicode(tokens[id] as Uint8Array);
  const lines = pairs.map(([left, right]) => `${text(left)} ${text(right)}\n`);
  const file = "#version: 0.2\n" + lines.join("");
  assertEquals(sha256(new TextEncoder().encode(file)), golden["vocab.bpe"]);
});

Deno.test("gpt2 encodes a piece of a million letters in no more than its share of time", () => {
  const tokenizer = gpt2Tokenizer();
  // With a search for the best pair per merge this would take hours.
  assertEquals(tokenizer.encode("a".repeat(1_000_000)).length, 250_000);
});

Deno.test("gpt2 cuts no text before half of a character that may become a letter", () => {
  const tokenizer = gpt2Tokenizer();
  assertEquals(tokenizer.cut("a! ab\ud835"), 2);
  assertEquals(tokenizer.cut("ab!\ud835"), 2);
});

Deno.test("gpt2 encodes half of a pair as U+FFFD", () => {
  const tokenizer = gpt2Tokenizer();
  assertEquals(tokenizer.decode(tokenizer.encode("a\ud83d b")), "a\ufffd b");
});
