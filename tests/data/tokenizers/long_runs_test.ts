/** Runs of equal characters, longer than a stack has room for, in each tokenizer. */
import { assertEquals, assertThrows } from "@std/assert";
import { UserError } from "../../../src/base/user_error.ts";
import { tokenizerBuilder } from "../../../src/data/tokenizers/build.ts";
import { pretokens } from "../../../src/data/tokenizers/bpe/pretokens.ts";
import { resplit } from "../../../src/data/tokenizers/resplit.ts";
import { Desk } from "../../prepare/fixture.ts";
import { TEXTS } from "./all.ts";

const RUN = 300_000;

for (const character of ["a", "\0", " ", "🐋"]) {
  const shown = JSON.stringify(character);
  for (const name of ["bpe:512", "word", "gpt2"]) {
    Deno.test(`${name}: a run of 300,000 ${shown} is learnt and encoded`, () => {
      const text = `${character.repeat(RUN)} b ${character.repeat(7)} b`;
      const builder = tokenizerBuilder(name, { end: true });
      for (let at = 0; at < text.length; at += 1 << 16) builder.add(text.slice(at, at + (1 << 16)));
      const tokenizer = builder.build();
      const ids = tokenizer.encode(text);
      if (name !== "word") assertEquals(tokenizer.decode(ids) === text, true);
    });
  }
}

Deno.test("prepare takes a file that is one run, and a run within words", async () => {
  using desk = new Desk();
  desk.write("runs.txt", "x".repeat(RUN) + "\nsome words\n" + "\0".repeat(RUN) + "\n");
  for (const tokenizer of ["bpe:512", "word"]) {
    const { ended } = await desk.prepare(["runs.txt"], {
      out: tokenizer,
      tokenizer,
      maxUnknown: 1,
    });
    assertEquals(ended, "done");
  }
});

Deno.test("a tokenizer.json whose parts lie within parts without end is refused", () => {
  const text = '{"type":"Sequence","pretokenizers":['.repeat(50_000) + "]}".repeat(50_000);
  const json = {
    model: { type: "BPE", vocab: { a: 0 }, merges: [] },
    pre_tokenizer: JSON.parse(text),
  };
  const open = () => tokenizerBuilder("any/tokenizer.json", { end: false, json });
  assertThrows(open, UserError, "they go deeper");
});

Deno.test("pieces of long texts are those of short ones", () => {
  const texts = [
    ...TEXTS,
    "''s 's '",
    "  a",
    " \n b",
    "a  ",
    " ",
    "= 's",
    "1's",
    "a 'll",
    "x\u0085 y",
  ];
  for (const text of texts) assertEquals(pretokens(text, 0), pretokens(text), JSON.stringify(text));
});

Deno.test("a run of millions of characters beyond U+FFFF is one piece", () => {
  const run = "🐋".repeat(9_000_000);
  assertEquals(pretokens(run).length, 1);
});

Deno.test("a text without a place to cut is looked through a few times, and not held for ever", () => {
  let looked = 0;
  const cut = (text: string) => (looked += text.length, 0);
  const pieces = resplit(() => {}, cut, 4096);
  for (let i = 0; i < 4096; i++) pieces.add("x");
  assertEquals(looked < 4 * 4096, true, `${looked} characters`);
  assertThrows(() => [...Array(8192)].forEach(() => pieces.add("x")), UserError, "at most 4096");
});
