/** Unknown text: its tokens, notices and errors. */
import { assertEquals, assertRejects, assertStringIncludes, assertThrows } from "@std/assert";
import { UserError } from "../../../src/base/user_error.ts";
import { resolveConfig } from "../../../src/config/resolve.ts";
import { tokenizerBuilder } from "../../../src/data/tokenizers/build.ts";
import type { Tokenizer } from "../../../src/data/tokenizers/types.ts";
import { countUnknown, requireKnown, unknownNote } from "../../../src/data/unknown.ts";
import { readData } from "../../../src/corpus/data.ts";
import { tokensOfText } from "../../../src/corpus/text_tokens.ts";
import { Desk, someText } from "../../prepare/fixture.ts";

/** A tokenizer and what Python's library makes of the strings with it. */
interface Made {
  readonly name: string;
  readonly tokenizer: { model: { unk_token?: string } };
  readonly ids: readonly number[][];
  readonly texts: readonly string[];
}

// Made by tests/golden/make_tokenizer_unknown.py.
const golden: { strings: string[]; made: Made[] } = JSON.parse(
  await Deno.readTextFile(new URL("../../golden/tokenizer_unknown.json", import.meta.url)),
);

function open(json: unknown): Tokenizer {
  return tokenizerBuilder("any/tokenizer.json", { end: true, json }).build();
}

for (const { name, tokenizer: json, ids, texts } of golden.made) {
  Deno.test(`${name}: unknown text has the ids of Python's library`, () => {
    const tokenizer = open(json);
    for (const [i, text] of golden.strings.entries()) {
      assertEquals(Array.from(tokenizer.encode(text)), ids[i], JSON.stringify(text));
      const unknown = countUnknown(tokenizer.encode(text), tokenizer);
      assertEquals(unknown, ids[i]?.filter((id) => id === tokenizer.unknown).length);
      if (unknown === 0) assertEquals(tokenizer.decode(ids[i] ?? []), texts[i]);
    }
  });
}

Deno.test("with tokens for all bytes nothing is unknown", () => {
  for (const { tokenizer: json } of golden.made.slice(0, 2)) {
    const tokenizer = open(json);
    for (const text of golden.strings) {
      const ids = tokenizer.encode(text);
      assertEquals([countUnknown(ids, tokenizer), tokenizer.decode(ids)], [0, text]);
    }
  }
});

Deno.test("tokens of bytes that are registered as special stand for bytes, whatever the scheme", () => {
  const trainer = tokenizerBuilder("bpe:300", { end: true });
  trainer.add("the whale and the sea, the whale");
  const made = trainer.build().toJSON();
  if (made.kind !== "bpe") throw new TypeError("need a tokenizer.json");
  const json = made.tokenizer as { added_tokens: object[]; model: { vocab: object } };
  const bytes = Object.entries(json.model.vocab).slice(0, 256)
    .map(([content, id]) => ({ id, content, special: true }));
  const registered = { ...json, added_tokens: [...bytes, ...json.added_tokens] };
  // Another pattern, which our own encoder does not serve.
  const pre_tokenizer = {
    type: "Sequence",
    pretokenizers: [
      { type: "Split", pattern: { Regex: "\\p{N}{1,3}" }, behavior: "Isolated", invert: false },
      { type: "ByteLevel", add_prefix_space: false, use_regex: true },
    ],
  };
  for (const change of [{}, { pre_tokenizer }]) {
    const [plain, other] = [json, registered].map((file) => open({ ...file, ...change }));
    for (const text of golden.strings) {
      assertEquals(other?.encode(text), plain?.encode(text));
      assertEquals(other?.decode(other.encode(text)), text);
    }
  }
});

Deno.test("every kind of tokenizer tells its unknown token", () => {
  const of = (name: string) => {
    const builder = tokenizerBuilder(name, { end: true });
    builder.add("some words");
    return builder.build().unknown;
  };
  const unknown = ["char", "byte", "word", "gpt2", "bpe:300"].map(of);
  assertEquals(unknown, [undefined, undefined, 0, undefined, undefined]);
  assertEquals(golden.made.map(({ tokenizer }) => typeof open(tokenizer).unknown), [
    ...["number", "number", "number", "number"],
  ]);
});

Deno.test("the share of unknown tokens is said, and above the limit refused with the option", () => {
  assertEquals(unknownNote("x.txt", { unknown: 0, tokens: 9 }), undefined);
  const says = "3.1 % of x.txt is unknown to the tokenizer: 31 of 1000 tokens";
  assertEquals(unknownNote("x.txt", { unknown: 31, tokens: 1000 }), says);
  const asked = { tokens: 1000, most: 0.05, option: "--max-unknown" };
  requireKnown("x.txt", { ...asked, unknown: 50 });
  const refused = () => requireKnown("x.txt", { ...asked, unknown: 51 });
  const { exit, message } = assertThrows(refused, UserError);
  assertEquals(exit, "data");
  assertStringIncludes(message, "need at most 5 % unknown tokens");
  assertStringIncludes(message, "5.1 % (51 of 1000); --max-unknown=0.06 takes it");
});

Deno.test("prepare refuses a text of which half is unknown until told, and then goes on", async () => {
  using desk = new Desk();
  desk.write("a.txt", someText(400));
  const asked = { tokenizer: "word:5", shardTokens: 500 };
  const refused = () => desk.prepare(["a.txt"], asked);
  const { exit, message } = await assertRejects(refused, UserError, "--max-unknown=");
  assertEquals([exit, /\d of \d+\)/.test(message)], ["data", true]);
  const { ended, index } = await desk.prepare(["a.txt"], { ...asked, maxUnknown: 1 });
  assertEquals(ended, "done");
  const tokens = [...desk.tokens("train"), ...desk.tokens("validation")];
  const unknown = tokens.filter((token) => token === 0).length;
  assertEquals((index?.train.unknown ?? 0) + (index?.validation.unknown ?? 0), unknown);
  const path = desk.of("out");
  const { notes } = await readData(resolveConfig({ data: { path, seq_len: 8 } }));
  assertStringIncludes(notes.join(), `${unknown} of ${tokens.length} tokens`);
});

Deno.test("train refuses a text of which half is unknown until told", async () => {
  using desk = new Desk();
  const path = desk.write("a.txt", someText(400));
  const read = (max_unknown?: number) =>
    readData(
      resolveConfig({
        data: { path, tokenizer: "word:5", seq_len: 8, ...max_unknown && { max_unknown } },
      }),
    );
  await assertRejects(() => read(), UserError, "--data.max_unknown=");
  assertStringIncludes((await read(0.9)).notes.join(), "unknown to the tokenizer");
  // A resume does not check again.
  const { corpus: { tokenizer }, hash } = await read(0.9);
  const config = resolveConfig({ data: { path, seq_len: 8 } });
  await readData(config, { by: "the checkpoint", tokenizer, hash });
});

Deno.test("a character that has no token is refused with its place, its document and the file", async () => {
  const builder = tokenizerBuilder("char", { end: false });
  builder.add("abc\n");
  const tokenizer = builder.build();
  const rest = { name: "b.txt", tokenizer, most: 1, option: "--x" };
  const whole = async () => await tokensOfText("ab\nü", { ...rest, end: null });
  await assertRejects(
    whole,
    UserError,
    "Cannot read b.txt: Cannot encode the text: need characters that",
  );
  const parts = async () => await tokensOfText("ab\n\ncü", { ...rest, end: "\n\n" });
  await assertRejects(parts, UserError, '"ü" (U+00FC) at character 1 of document 2');
});
