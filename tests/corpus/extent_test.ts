/** Extent of the text of tokens. */
import { assertEquals } from "@std/assert";
import { tokensIn } from "../../src/data/tokens.ts";
import { tokenizerBuilder } from "../../src/data/tokenizers/build.ts";
import { byteTokenizer } from "../../src/data/tokenizers/byte.ts";
import { charTokenizer } from "../../src/data/tokenizers/char.ts";
import { targetExtent } from "../../src/corpus/extent.ts";

Deno.test("targetExtent() counts characters and bytes of all tokens but the first", () => {
  const text = "whale 🐋 ahoy é";
  const rest = { characters: 13, bytes: 17 };
  for (const tokenizer of [charTokenizer(text), byteTokenizer()]) {
    assertEquals(targetExtent(tokensIn(tokenizer.encode(text)), tokenizer), rest, tokenizer.kind);
  }
});

Deno.test("targetExtent() counts an end of a document as no text", () => {
  const tokenizer = charTokenizer("abc", { end: true });
  const tokens = Uint32Array.of(0, 1, tokenizer.end ?? NaN, 2);
  assertEquals(targetExtent(tokensIn(tokens), tokenizer), { characters: 2, bytes: 2 });
});

Deno.test("targetExtent() has no length for text that is unknown", () => {
  const json = {
    pre_tokenizer: { type: "WhitespaceSplit" },
    model: { type: "WordLevel", unk_token: "?", vocab: { "?": 0, a: 1, b: 2 } },
  };
  const tokenizer = tokenizerBuilder("x.json", { end: false, json }).build();
  const of = (text: string) => targetExtent(tokensIn(tokenizer.encode(text)), tokenizer);
  assertEquals(of("a b a"), { characters: 4, bytes: 4 });
  assertEquals(of("a b whale"), undefined);
});

Deno.test("targetExtent() of a text longer than its chunks is the same as of its parts", () => {
  const text = "é🐋x".repeat(50_000);
  const tokenizer = byteTokenizer();
  assertEquals(targetExtent(tokensIn(tokenizer.encode("x" + text)), tokenizer), {
    characters: 150_000,
    bytes: 350_000,
  });
});
