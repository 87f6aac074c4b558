/** BPE training compared with Python's trainer, and on edge cases. */
import { assertEquals } from "@std/assert";
import { mobyDick } from "../../../src/data/moby_dick.ts";
import { tokenizerBuilder } from "../../../src/data/tokenizers/build.ts";
import { PieceCounts } from "../../../src/data/tokenizers/bpe/count.ts";
import { tokenizerHash } from "../../../src/data/tokenizers/mod.ts";
import type { TokenizerJson } from "../../../src/data/tokenizers/schema.ts";
import type { Tokenizer } from "../../../src/data/tokenizers/types.ts";

const golden: { merges: [string, string][] } = JSON.parse(
  await Deno.readTextFile(new URL("../../golden/bpe_merges.json", import.meta.url)),
);

function mergesOf(tokenizer: Tokenizer): TokenizerJson["model"]["merges"] {
  const spec = tokenizer.toJSON();
  return spec.kind === "bpe" ? (spec.tokenizer as TokenizerJson).model.merges : undefined;
}

function trained(
  name: string,
  pieces: Iterable<string>,
): { tokenizer: Tokenizer; notes: string[] } {
  const builder = tokenizerBuilder(name, { end: false });
  for (const piece of pieces) builder.add(piece);
  return { tokenizer: builder.build(), notes: [...builder.notes] };
}

Deno.test("bpe:N learns the pairs that Python's trainer learns", async () => {
  const { tokenizer, notes } = trained("bpe:1256", [await mobyDick()]);
  assertEquals(golden.merges.length, 1000);
  assertEquals(mergesOf(tokenizer), golden.merges);
  assertEquals([tokenizer.size, notes], [1256, []]);
});

Deno.test("bpe:N learns the same however the text comes", () => {
  const text = "the whale, the whale's 🐋🐋 tail\n".repeat(40);
  const pieces = Array.from(text);
  const hash = tokenizerHash(trained("bpe:290", [text]).tokenizer);
  assertEquals(tokenizerHash(trained("bpe:290", pieces).tokenizer), hash);
});

Deno.test("bpe:N takes the pair of the lowest ids among equally frequent ones", () => {
  const { tokenizer } = trained("bpe:258", ["cd cd ba ba"]);
  // " b" comes twice as well, but the space has a higher id than any letter.
  assertEquals(mergesOf(tokenizer), [["b", "a"], ["c", "d"]]);
});

Deno.test("bpe:N joins runs of one letter from the left", () => {
  const { tokenizer } = trained("bpe:300", ["aaaaa"]);
  assertEquals(mergesOf(tokenizer), [["a", "a"]]);
  assertEquals(Array.from(tokenizer.encode("aaaaa"), (id) => tokenizer.decode([id])), [
    ...["aa", "aa", "a"],
  ]);
});

Deno.test("bpe:N stops where no pair comes twice, and says so", () => {
  const { tokenizer, notes } = trained("bpe:1000", ["abc"]);
  assertEquals([tokenizer.size, notes.length], [256, 1]);
  assertEquals(notes[0]?.includes("256 tokens, not 1000"), true);
});

Deno.test("Counts stays in its bound, keeps what is frequent and tells what it dropped", () => {
  const counts = new PieceCounts(40 * 100);
  for (let i = 0; i < 10_000; i++) {
    counts.add("often");
    counts.add(`rare ${i}`);
  }
  const sorted = counts.take();
  assertEquals(sorted[0], ["often", 10_000]);
  assertEquals(sorted.length <= 101, true);
  assertEquals(counts.dropped, 10_000 - (sorted.length - 1));
});
