/** Words: what is one, what is none, and how they are joined again. */
import { assertEquals, assertThrows } from "@std/assert";
import { UserError } from "../../../src/base/user_error.ts";
import { tokenizerBuilder } from "../../../src/data/tokenizers/build.ts";
import { tokenizerFrom } from "../../../src/data/tokenizers/mod.ts";

const whale = () => tokenizerFrom({ kind: "word", words: ["the", "whale", "🐋"] });

Deno.test("word gives a token for each word and each line's end", () => {
  const tokenizer = whale();
  assertEquals([tokenizer.size, tokenizer.end], [5, 1]);
  assertEquals(Array.from(tokenizer.encode("the  whale\r\n\n\t🐋\u0085the\u3000sea.\n")), [
    ...[2, 3, 1, 1, 4, 2, 0, 1],
  ]);
  assertEquals(tokenizer.encode(" \t "), new Uint32Array());
});

Deno.test("word takes the names of its two own tokens for an unknown word", () => {
  const ids = whale().encode("<unk> <eos> the<eos> <|endoftext|>");
  assertEquals(Array.from(ids), [0, 0, 0, 0]);
});

Deno.test("word joins with one space, and with none at a line's end", () => {
  assertEquals(whale().decode([2, 3, 1, 1, 4, 0, 1, 2]), "the whale\n\n🐋 <unk>\nthe");
});

Deno.test("a vocabulary holds the most frequent words, equally frequent ones by code point", () => {
  const builder = tokenizerBuilder("word:5", { end: true });
  // The last word of a piece goes on in the next: b, a, cc, b, 🐋, \ufffd, dd.
  for (const piece of ["b a c", "c b 🐋 \ufffd d", "d <unk> <eos> <unk>\n"]) builder.add(piece);
  assertEquals(builder.build().toJSON(), { kind: "word", words: ["b", "a", "cc"] });
  const all = tokenizerBuilder("word", { end: true });
  all.add("🐋 \ufffd ab a");
  assertEquals(all.build().toJSON(), { kind: "word", words: ["a", "ab", "\ufffd", "🐋"] });
});

Deno.test("word refuses lists that are no vocabularies, and a text without words", () => {
  for (const words of [["a", "a"], ["a b"], ["a\u2028"], ["<eos>"], ["\ud83d"]]) {
    const error = assertThrows(() => tokenizerFrom({ kind: "word", words }), UserError, "of words");
    assertEquals(error.exit, "data");
  }
  const builder = tokenizerBuilder("word", { end: true });
  builder.add(" \n ");
  assertEquals(assertThrows(() => builder.build(), UserError, "has none").exit, "data");
});
