/** Tokenizers: round trips, order, specs and bad input. */
import { assertEquals, assertThrows } from "@std/assert";
import { UserError } from "../../src/base/user_error.ts";
import { mobyDick } from "../../src/data/moby_dick.ts";
import { tokenizerSpecSchema } from "../../src/data/schema.ts";
import { byteTokenizer } from "../../src/data/tokenizers/byte.ts";
import { charTokenizer } from "../../src/data/tokenizers/char.ts";
import { tokenizerFrom } from "../../src/data/tokenizers/mod.ts";

const TEXTS = {
  emoji: "whale 🐋, family 👩‍👩‍👧",
  lines: "a\r\nb\rc\n\n\td",
  combining: "e\u0301 and \u00e9 are two texts",
  mark: "\ufeffa mark first",
  nul: "a\0b",
  one: "x",
};

for (const [name, text] of Object.entries(TEXTS)) {
  Deno.test(`tokenizers give back a text with ${name}`, () => {
    for (const tokenizer of [charTokenizer(text), byteTokenizer()]) {
      const ids = tokenizer.encode(text);
      assertEquals(tokenizer.decode(ids), text, tokenizer.kind);
      assertEquals(ids.every((id) => id < tokenizer.size), true, tokenizer.kind);
      const stored = tokenizerSpecSchema.parse(JSON.parse(JSON.stringify(tokenizer)));
      const revived = tokenizerFrom(stored);
      assertEquals(revived.encode(text), ids, tokenizer.kind);
      assertEquals(revived.decode(ids), text, tokenizer.kind);
    }
  });
}

Deno.test("charTokenizer() numbers the distinct code points in order", () => {
  const tokenizer = charTokenizer("ba🐋ab\uffee");
  assertEquals(tokenizer.toJSON(), { kind: "char", chars: "ab\uffee🐋" });
  assertEquals(tokenizer.size, 4);
  assertEquals(tokenizer.encode("🐋ba"), Uint32Array.of(3, 1, 0));
  assertEquals(tokenizer.encode(""), new Uint32Array());
});

Deno.test("charTokenizer().encode() names the unknown character and counts in characters", () => {
  const error = assertThrows(
    () => charTokenizer("a🐋").encode("a🐋\n"),
    UserError,
    "at character 2",
  );
  assertEquals(error.exit, "data");
  assertEquals(error.message.includes('"\\n" (U+000A)'), true, error.message);
  assertEquals(error.message.includes("\n"), false);
});

Deno.test("charTokenizer() refuses an empty text and half a character", () => {
  assertEquals(assertThrows(() => charTokenizer(""), UserError, "is empty").exit, "data");
  assertEquals(
    assertThrows(() => charTokenizer("a\ud83d"), UserError, "stands alone").exit,
    "data",
  );
});

Deno.test("byteTokenizer() counts UTF-8 bytes and replaces what is no character", () => {
  const tokenizer = byteTokenizer();
  assertEquals(tokenizer.encode("é🐋").length, 6);
  assertEquals(tokenizer.decode([0x61, 0xff, 0x62]), "a\ufffdb");
  assertEquals(tokenizer.decode(new Set([0xe2, 0x82])), "\ufffd");
});

Deno.test("decode() throws on an id outside the vocabulary", () => {
  assertThrows(() => charTokenizer("ab").decode([0, 2]), RangeError, "[0, 2): 2");
  for (const id of [256, -1, 1.5]) {
    assertThrows(() => byteTokenizer().decode([id]), RangeError, `[0, 256): ${id}`);
  }
});

Deno.test("tokenizerFrom() refuses characters out of order or twice", () => {
  for (const chars of ["ba", "aa"]) {
    assertThrows(() => tokenizerFrom({ kind: "char", chars }), UserError, "in order of code point");
  }
});

Deno.test("mobyDick() is one text of the whole book", async () => {
  const text = await mobyDick();
  assertEquals(text.includes("CHAPTER 1. Loomings.\n\nCall me Ishmael."), true);
  assertEquals(text.match(/\n\n\nCHAPTER \d+\. .+\n\n(?!CHAPTER)\S/g)?.length, 135);
  assertEquals(text.endsWith("only found another orphan.\n"), true);
  assertEquals(text.includes("\n\n\n\n\n"), false);
  const tokenizer = charTokenizer(text);
  assertEquals(tokenizer.decode(tokenizer.encode(text)) === text, true);
});
