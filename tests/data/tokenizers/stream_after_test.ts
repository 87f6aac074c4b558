/** A decoded continuation joins its text without a gap. */
import { assertEquals } from "@std/assert";
import { streamAfter } from "../../../src/data/tokenizers/stream_after.ts";
import { NAMES, TEXTS, tokenizerOf } from "./all.ts";

for (const name of NAMES) {
  Deno.test(`${name}: a text and what is streamed behind it are what decode gives of both`, () => {
    const tokenizer = tokenizerOf(name);
    for (const [i, text] of TEXTS.entries()) {
      const [before, after] = [text, TEXTS[(i + 1) % TEXTS.length] ?? ""]
        .map((part) => Array.from(tokenizer.encode(part)));
      if (before === undefined || after === undefined) continue;
      const stream = streamAfter(tokenizer, before);
      const streamed = after.map((id) => stream.push(id)).join("") + stream.flush();
      assertEquals(tokenizer.decode(before) + streamed, tokenizer.decode([...before, ...after]));
    }
  });
}

Deno.test("a word behind a word has a space before it, and behind a line's end none", () => {
  const tokenizer = tokenizerOf("word");
  const word = tokenizer.size - 1;
  const text = tokenizer.decode([word]);
  assertEquals(streamAfter(tokenizer, [word]).push(word), " " + text);
  assertEquals(streamAfter(tokenizer, [word, 1]).push(word), text);
  assertEquals(streamAfter(tokenizer, []).push(word), text);
});
