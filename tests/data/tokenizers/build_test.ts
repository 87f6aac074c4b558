/** Names of tokenizers, and what each needs to see. */
import { assertEquals, assertThrows } from "@std/assert";
import { UserError } from "../../../src/base/user_error.ts";
import { tokenizerBuilder } from "../../../src/data/tokenizers/build.ts";

Deno.test("tokenizerBuilder() looks at the text only where the tokenizer depends on it", () => {
  const needs = ["char", "byte", "word", "word:9", "gpt2", "bpe:300"].map((name) =>
    tokenizerBuilder(name, { end: true }).needsText
  );
  assertEquals(needs, [true, false, true, true, false, true]);
});

Deno.test("tokenizerBuilder() refuses names and sizes that there are none for", () => {
  const names = ["", "chars", "char:3", "gpt3", "bpe", "bpe:", "bpe:4k", "bpe:-1", "word:1e3"];
  for (const name of [...names, "byte:8", "word:2", "bpe:256", "bpe:9999999999"]) {
    const error = assertThrows(
      () => tokenizerBuilder(name, { end: true }),
      UserError,
      "Cannot make",
    );
    assertEquals(error.exit, "config", name);
  }
  assertEquals(tokenizerBuilder("bpe:256", { end: false }).needsText, true);
});

Deno.test("char gathers its characters from all pieces", () => {
  const builder = tokenizerBuilder("char", { end: true });
  for (const piece of ["b🐋", "a", "🐋"]) builder.add(piece);
  const tokenizer = builder.build();
  assertEquals(tokenizer.toJSON(), { kind: "char", chars: "ab🐋", end: true });
  assertEquals([tokenizer.size, tokenizer.end], [4, 3]);
});
