/** Files crafted to hang or to exhaust memory: each ends soon, with an error or with ids. */
import { assert, assertEquals, assertLess, assertStringIncludes, assertThrows } from "@std/assert";
import { UserError } from "../../../src/base/user_error.ts";
import { tokenizerBuilder } from "../../../src/data/tokenizers/build.ts";
import type { Tokenizer } from "../../../src/data/tokenizers/types.ts";

const LETTERS = Object.fromEntries(Array.from("abcdefghij ▁Ġ", (letter, id) => [letter, id]));
const BPE = { type: "BPE", unk_token: "a", vocab: LETTERS, merges: ["a b"] };
const TEXT = "a".repeat(10_000) + "b";
/** Time limit in milliseconds: a hundred times the time on an idle machine. */
const SOON = 15_000;

type Json = Readonly<Record<string, unknown>>;

const file = (parts: Json, model: Json = BPE): Json => ({ added_tokens: [], model, ...parts });
const open = (json: unknown): Tokenizer =>
  tokenizerBuilder("their/tokenizer.json", { end: false, json }).build();

const split = (Regex: string): Json =>
  file({ pre_tokenizer: { type: "Split", pattern: { Regex }, behavior: "Isolated" } });
const replace = (from: string, content: string): Json => ({
  type: "Replace",
  pattern: { String: from },
  content,
});
const times = <T>(n: number, make: (i: number) => T): T[] =>
  Array.from({ length: n }, (_, i) => make(i));
const runs = (most: number): string[] => times(most, (i) => "a".repeat(i + 1));

/** Refused when read: the file, and its error. */
const UNREADABLE: Readonly<Record<string, readonly [Json, string]>> = {
  "too many tokens": [
    file({}, { ...BPE, vocab: times(2 ** 21 + 1, () => 0) }),
    "need at most 2097152 entries of model.vocab",
  ],
  "too many merges": [
    file({}, { ...BPE, merges: times(2 ** 21 + 1, () => 1) }),
    "need at most 2097152 entries of model.merges",
  ],
  "too many added tokens": [
    file({ added_tokens: times(2 ** 18 + 1, (id) => ({ id, content: "x" })) }),
    "need at most 262144 entries of added_tokens",
  ],
  "merges of which none is one": [
    file({}, { ...BPE, merges: times(2 ** 20, () => 1) }),
    "model.merges.0: need two tokens",
  ],
  "an id beyond 2^31": [
    file({}, { ...BPE, vocab: { a: 0, b: 2 ** 32 } }),
    "need ids below 4104 for 2 tokens: one is 4294967296",
  ],
  "added ids far apart": [
    file({ added_tokens: [{ id: 10 ** 7, content: "<x>", special: true }] }),
    "need ids below",
  ],
  "an endless token": [
    file({}, { ...BPE, vocab: { ["a".repeat(10 ** 6)]: 0 } }),
    "need at most 4096 characters at a token of model.vocab",
  ],
  "added tokens of endless texts": [
    file({ added_tokens: times(2000, (id) => ({ id, content: "x".repeat(4000) + id })) }),
    "need at most 4194304 characters in all of added_tokens",
  ],
  "a pattern of a megabyte": [
    split("(a|b)".repeat(200_000)),
    "need at most 8192 characters at pre_tokenizer.pattern.Regex",
  ],
  "a pattern of a billion states": [
    split("(?:(?:(?:ab){1000}){1000}){1000}"),
    "need patterns of at most 32768 states",
  ],
  "groups within groups": [
    split("(".repeat(4000) + "a" + ")".repeat(4000)),
    "groups within groups",
  ],
  "a pattern that refers back": [split("(a+)\\1"), "without references back"],
  "many parts": [
    file({ normalizer: { type: "Sequence", normalizers: times(300, () => ({ type: "NFC" })) } }),
    "need at most 256 parts: normalizer.normalizers.255",
  ],
  "a long text to put in front": [
    file({ normalizer: { type: "Prepend", prepend: "a".repeat(10 ** 6) } }),
    "need at most 256 characters at normalizer.prepend",
  ],
  "pieces of no length": [
    file({ pre_tokenizer: { type: "FixedLength", length: 0 } }),
    "need a whole number from 1 at pre_tokenizer.length",
  ],
  "a pattern of an unknown kind": [
    file({ normalizer: { type: "Replace", pattern: { Glob: "\x1b[2J" }, content: "" } }),
    "need a text Regex or String at normalizer.pattern",
  ],
  "words of any length": [
    file({}, { type: "WordPiece", vocab: { a: 0 }, max_input_chars_per_word: 10 ** 9 }),
    "need at most 1000 at model.max_input_chars_per_word",
  ],
};

/** Refused when a text is encoded: the file, and its error. */
const UNUSABLE: Readonly<Record<string, readonly [Json, string]>> = {
  "a pattern that goes back for ever": [split("^(a+)+$"), "pre_tokenizer.pattern takes more"],
  "a pattern with two ways for each letter": [
    file({ normalizer: { type: "Replace", pattern: { Regex: "(a|a)+c" }, content: "" } }),
    "normalizer.pattern takes more",
  ],
  "a look ahead over all the text": [split("(?=(a+)*c)a"), "pre_tokenizer.pattern takes more"],
  "normalizers that double the text": [
    file({
      normalizer: { type: "Sequence", normalizers: times(64, () => replace("a", "aa")) },
    }),
    "32 times as long: normalizer.normalizers.",
  ],
  "pre-tokenizers that double the text": [
    file({
      pre_tokenizer: {
        type: "Sequence",
        pretokenizers: [
          { type: "Split", pattern: { String: "a" }, behavior: "Isolated" },
          ...times(64, () => ({ type: "Metaspace", replacement: "  ", prepend_scheme: "always" })),
        ],
      },
    }),
    "32 times as long: pre_tokenizer.pretokenizers.",
  ],
  "an added token that nearly stands at each place": [
    file({ added_tokens: [{ id: 13, content: "a".repeat(4000) + "c", normalized: false }] }),
    "added_tokens takes more",
  ],
  "merges to longer and longer tokens": [
    file({}, {
      ...BPE,
      vocab: Object.fromEntries([...runs(2000), "b"].map((token, id) => [token, id])),
      merges: runs(2000).slice(0, -1).map((token) => [token, "a"]),
    }),
    "",
  ],
  "a unigram in which all runs are tokens": [
    file({}, {
      type: "Unigram",
      unk_id: 0,
      vocab: ["b", ...runs(1000)].map((token) => [token, -1]),
    }),
    "model takes more",
  ],
};

for (const [name, [json, says]] of Object.entries(UNREADABLE)) {
  Deno.test(`a tokenizer.json with ${name} is refused when it is read`, () => {
    const start = performance.now();
    const error = assertThrows(() => open(json), UserError);
    assertLess(performance.now() - start, SOON);
    assertStringIncludes(error.message, "Cannot read their/tokenizer.json: ");
    assertStringIncludes(error.message, says);
    assertEquals([error.exit, error.message.includes("\n")], ["data", false]);
    assertLess(error.message.length, 300);
  });
}

for (const [name, [json, says]] of Object.entries(UNUSABLE)) {
  Deno.test(`a tokenizer.json with ${name} is given up on a text that it would not end on`, () => {
    const tokenizer = open(json);
    const start = performance.now();
    if (says === "") tokenizer.encode(TEXT);
    else {
      const error = assertThrows(() => tokenizer.encode(TEXT), UserError);
      assertStringIncludes(error.message, says);
      assertEquals([error.exit, error.message.includes("\n")], ["data", false]);
    }
    assertLess(performance.now() - start, SOON);
  });
}

Deno.test("decoders that double a text are given up", () => {
  const decoders = times(64, () => replace("a", "aa"));
  const tokenizer = open(file({ decoder: { type: "Sequence", decoders } }));
  const error = assertThrows(() => tokenizer.decode(Array(1000).fill(0)), UserError);
  assertStringIncludes(error.message, "32 times as long: decoder.decoders.");
  const stream = tokenizer.stream();
  assertThrows(() => times(100, () => stream.push(0)), UserError, "decoder.decoders.");
});

Deno.test("a stream of tokens without a text takes no longer with each", () => {
  const decoder = { type: "Replace", pattern: { Regex: "." }, content: "" };
  const stream = open(file({ decoder })).stream();
  const start = performance.now();
  for (let i = 0; i < 5000; i++) assertEquals(stream.push(0), "");
  assertLess(performance.now() - start, SOON);
});

Deno.test("odd but harmless files give ids", () => {
  const twice = open(file({}, { ...BPE, vocab: { a: 0, b: 0 } }));
  assertEquals([...twice.encode("ba")], [0, 0]);
  const vocab = JSON.parse('{"__proto__":0,"constructor":1,"_":2,"a":3}');
  const named = open(file({ pre_tokenizer: { type: "WhitespaceSplit" } }, {
    type: "WordLevel",
    unk_token: "a",
    vocab,
  }));
  assertEquals([...named.encode("__proto__ constructor _ x")], [0, 1, 2, 3]);
  assertEquals(named.decode([0, 1]), "__proto__ constructor");
  const cyclic = open(file({}, { ...BPE, merges: ["a b", "b a", "ab a", "a ba"] }));
  assert(cyclic.encode("abab".repeat(1000)).length > 0);
  const charsmap = { type: "Precompiled", precompiled_charsmap: "/".repeat(100_000) };
  assertEquals([...open(file({ normalizer: charsmap })).encode("ab")].length > 0, true);
});
