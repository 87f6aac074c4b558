/** Other tokenizer.json files: ids and texts of Python's library, and errors. */
import { assertEquals, assertThrows } from "@std/assert";
import { UserError } from "../../../src/base/user_error.ts";
import { tokenizerBuilder } from "../../../src/data/tokenizers/build.ts";
import type { Tokenizer } from "../../../src/data/tokenizers/types.ts";

/** A tokenizer and what Python's library makes of the strings with it. */
interface Made {
  readonly name: string;
  readonly tokenizer: { added_tokens: { id: number; special: boolean; content: string }[] };
  readonly ids: readonly number[][];
  readonly texts: readonly string[];
}

const golden: { strings: string[]; made: Made[] } = JSON.parse(
  await Deno.readTextFile(new URL("../../golden/tokenizer_json.json", import.meta.url)),
);

function open(json: unknown): Tokenizer {
  return tokenizerBuilder("any/tokenizer.json", { end: true, json }).build();
}

for (const { name, tokenizer: json, ids, texts } of golden.made) {
  Deno.test(`${name}: ids and texts are those of Python's library`, () => {
    const tokenizer = open(json);
    assertEquals(tokenizer.kind, "bpe");
    for (const [i, text] of golden.strings.entries()) {
      assertEquals(Array.from(tokenizer.encode(text)), ids[i], JSON.stringify(text));
      assertEquals(tokenizer.decode(ids[i] ?? []), texts[i]);
    }
  });

  Deno.test(`${name}: streams, cuts and special tokens keep the laws`, () => {
    const tokenizer = open(json);
    const long = golden.strings.join(" x ");
    for (const text of [...golden.strings, long]) {
      const list = Array.from(tokenizer.encode(text));
      const stream = tokenizer.stream();
      const streamed = list.map((id) => stream.push(id)).join("") + stream.flush();
      assertEquals(streamed, tokenizer.decode(list));
      const place = tokenizer.cut(text);
      const parts = [text.slice(0, place), text.slice(place)].filter((part) => part !== "");
      assertEquals(parts.flatMap((part) => [...tokenizer.encode(part)]), list);
    }
    assertEquals(tokenizer.cut("hello there world"), name === "byte_fallback" ? 0 : 11);
    const special = json.added_tokens.filter((token) =>
      token.special && !/unk/i.test(token.content)
    );
    const names = special.map(({ content }) => content).join(" ");
    assertEquals(special.some(({ id }) => tokenizer.encode(names).includes(id)), false);
    assertEquals(tokenizer.decode(special.map(({ id }) => id)), "");
    assertThrows(() => tokenizer.decode([tokenizer.size]), RangeError, `: ${tokenizer.size}`);
  });
}

Deno.test("the end token of a tokenizer.json goes by one of the usual names", () => {
  const ends = golden.made.map(({ name, tokenizer }) => [name, open(tokenizer).end]);
  assertEquals(Object.fromEntries(ends), {
    wordpiece: undefined,
    unigram: 1,
    byte_fallback: 2,
    llama3_style: 331,
    prefix_space: 1,
    gpt2_style: undefined,
  });
});

Deno.test("a text is refused where a tokenizer without an unknown token would leave some out", () => {
  const tokenizer = open({
    added_tokens: [],
    pre_tokenizer: { type: "WhitespaceSplit" },
    model: { type: "BPE", vocab: { a: 0, b: 1, ab: 2 }, merges: ["a b"] },
  });
  assertEquals(Array.from(tokenizer.encode("ab b")), [2, 1]);
  assertEquals(assertThrows(() => tokenizer.encode("ab c"), UserError, "knows").exit, "data");
});

Deno.test("what is no tokenizer.json is refused by the place where it is none", () => {
  const model = { type: "BPE", vocab: { a: 0 }, merges: [] };
  const cases: readonly (readonly [unknown, string])[] = [
    [null, "at its top"],
    [[], "at its top"],
    [{}, "at model"],
    [{ model: { ...model, vocab: { a: -1 } } }, "at model.vocab"],
    [{ model: { ...model, vocab: {} } }, "need ids of 1 to"],
    [{ model: { ...model, merges: [["a"]] } }, "at model.merges.0"],
    [{ model, pre_tokenizer: { type: "Telepathy" } }, "Telepathy"],
    [{ model, added_tokens: [{ id: 1 }] }, "at added_tokens.0.content"],
  ];
  for (const [json, says] of cases) {
    const error = assertThrows(() => open(json), UserError, says);
    assertEquals([error.exit, error.message.includes("\n")], ["data", false]);
  }
});
