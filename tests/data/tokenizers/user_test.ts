/** Tokenizers of users that break their promises are refused, with what they returned. */
import { assertEquals, assertMatch, assertThrows } from "@std/assert";
import { UserError } from "../../../src/base/user_error.ts";
import { tokensOfText } from "../../../src/corpus/text_tokens.ts";
import {
  learnTokenizer,
  registerTokenizer,
  type TokenizerDefinition,
} from "../../../src/data/tokenizers/user/user.ts";

const TEXT = "the whale and the sea. ".repeat(300);

/** One token per character of a to z, space and dot. */
const LETTERS = Array.from("abcdefghijklmnopqrstuvwxyz .");
const encode = (text: string): number[] => Array.from(text, (c) => LETTERS.indexOf(c));
const decode = (ids: readonly number[]): string => ids.map((id) => LETTERS[id]).join("");
const size = LETTERS.length;

let modules = 0;

/** The tokenizer of a definition that has these parts. */
function tokenizerOf(made: unknown, learn?: (text: string) => unknown) {
  const module = `/own${modules++}.ts`;
  const definition = { name: "own", make: () => made, ...learn && { learn } };
  registerTokenizer(definition as TokenizerDefinition, { module, sha256: module });
  return learnTokenizer(module, TEXT);
}

let calls = 0;
const HOSTILE: Readonly<Record<string, readonly [unknown, RegExp]>> = {
  "make returns nothing": [
    undefined,
    /need make of own to return \{ size, encode, decode \}: got undefined$/,
  ],
  "make is asynchronous": [
    Promise.resolve({ size, encode, decode }),
    /need make of own to return .*: got a Promise$/,
  ],
  "the size is a text": [{ size: "28", encode, decode }, /need a size of at least 1: got "28"$/],
  "the size is not whole": [{ size: 2.5, encode, decode }, /need a size of at least 1: got 2\.5$/],
  "the size is no binding": [{ size: 1e12, encode, decode }, /need a size of at most 2147483648/],
  "the end token is outside": [
    { size, end: size, encode, decode },
    /need an end token below 28: got 28$/,
  ],
  "there is no decode": [{ size, encode }, /need the function decode of own: got undefined$/],
  "encode returns nothing": [
    { size, encode: () => undefined, decode },
    /need encode of own to return a list of ids: got undefined$/,
  ],
  "encode returns a number": [
    { size, encode: () => 7, decode },
    /need encode of own to return a list of ids: got 7$/,
  ],
  "encode returns the text": [
    { size, encode: (text: string) => text.slice(0, 3), decode },
    /to return a list of ids: got "the"$/,
  ],
  "encode is asynchronous": [
    { size, encode: (text: string) => Promise.resolve(encode(text)), decode },
    /to return a list of ids: got a Promise$/,
  ],
  "ids are not whole": [
    { size, encode: (text: string) => encode(text).map((id) => id + 0.5), decode },
    /need encode of own to return whole numbers below 28: got 19\.5$/,
  ],
  "ids are negative": [
    { size, encode: (text: string) => encode(text).map((id) => id - 1 - size), decode },
    /whole numbers below 28: got -10$/,
  ],
  "ids are texts": [
    { size, encode: (text: string) => encode(text).map(String), decode },
    /whole numbers below 28: got "19"$/,
  ],
  "ids are no numbers": [
    { size, encode: (text: string) => encode(text).map(() => NaN), decode },
    /whole numbers below 28: got NaN$/,
  ],
  "ids have gaps": [{ size, encode: () => [, 1], decode }, /below 28: got undefined$/],
  "an id is the size": [
    { size, encode: (text: string) => encode(text).map(() => size), decode },
    /whole numbers below 28: got 28$/,
  ],
  "texts have the end token": [
    { size, end: 19, encode, decode },
    /need encode of own to return ids without the end token, which no text has: got 19$/,
  ],
  "ids differ from call to call": [
    { size, encode: (text: string) => encode(text).map((id) => (id + calls++) % size), decode },
    /need encode of own to return the same ids for the same text: got id \d+ and then id \d+ at token 1$/,
  ],
  "the number of ids differs from call to call": [
    { size, encode: (text: string) => [...encode(text), ...encode("a".repeat(++calls))], decode },
    /the same ids for the same text: got \d+ ids and then \d+ ids$/,
  ],
  "decode returns a list": [
    { size, encode, decode: (ids: readonly number[]) => Array.from(decode(ids)).slice(0, 2) },
    /need decode of own to return a text: got \["t","h"\]$/,
  ],
  "decode returns nothing": [
    { size, encode, decode: () => undefined },
    /need decode of own to return a text: got undefined$/,
  ],
  "decode differs from call to call": [
    { size, encode, decode: (ids: readonly number[]) => decode(ids) + calls++ },
    /need decode of own to return the same text for the same ids/,
  ],
  "decode loses the text": [
    { size, encode, decode: () => "" },
    /need ids of own that decode to their text: got "" for "the whale and/,
  ],
  "encode loses the text": [
    { size, encode: () => [], decode },
    /need ids of own that decode to their text: got "" for "the whale and/,
  ],
};

for (const [name, [made, pattern]] of Object.entries(HOSTILE)) {
  Deno.test(`a tokenizer is refused in one line where ${name}`, () => {
    const { message, exit } = assertThrows(() => tokenizerOf(made).encode(TEXT), UserError);
    assertMatch(message, /^Cannot use the tokenizer of \/own\d+\.ts: need /);
    assertMatch(message, pattern);
    assertEquals([message.split("\n").length, exit], [1, "data"]);
  });
}

Deno.test("what a tokenizer learns is refused unless JSON keeps it", () => {
  for (
    const [learnt, shown] of [
      [new Map([["the", 1]]), "a Map"],
      [{ words: new Set(["the"]) }, "a Set"],
      [[["the", 1n]], "1n"],
      [[NaN], "NaN"],
      [[() => 1], "a function"],
      [Promise.resolve([]), "a Promise"],
      [{ words: undefined }, "undefined"],
    ] as const
  ) {
    const learn = () => tokenizerOf({ size, encode, decode }, () => learnt);
    const { message } = assertThrows(learn, UserError);
    const need = "need learn of own to return what JSON keeps, objects, lists, texts and numbers";
    assertEquals(message.replace(/^.*?\.ts: /, ""), `${need}: got ${shown}`);
  }
  const words = ["the", "whale"];
  tokenizerOf({ size, encode, decode }, () => ({ words, same: words, none: null, is: true }));
});

Deno.test("methods of an object, typed arrays and iterables are taken as they are", async () => {
  class Letters {
    readonly size = size;
    readonly letters = LETTERS;
    encode(text: string): number[] {
      return Array.from(text, (c) => this.letters.indexOf(c));
    }
    decode(ids: readonly number[]): string {
      return ids.map((id) => this.letters[id]).join("");
    }
  }
  const all = [
    new Letters(),
    { size, encode: (text: string) => Uint16Array.from(encode(text)), decode },
    { size, encode: (text: string) => new Set(encode(text.slice(0, 2))), decode },
  ];
  for (const made of all) {
    const tokenizer = tokenizerOf(made);
    assertEquals(Array.from(tokenizer.encode("th")), [19, 7]);
    assertEquals(tokenizer.decode([19, 7]), "th");
  }
  // A sample of a long text that has no tokens of its own says nothing of the whole.
  const whole = tokenizerOf({
    size,
    encode(text: string) {
      if (text.length < TEXT.length) throw new Error("too short");
      return encode(text);
    },
    decode,
  });
  assertEquals(whole.encode(TEXT).length, TEXT.length);
  const lower = tokenizerOf({ size, encode: (text: string) => encode(text.toLowerCase()), decode });
  const reading = { name: "my.txt", end: null, most: 1, option: "--x" };
  const { notes } = await tokensOfText("all of The Sea", { ...reading, tokenizer: lower });
  assertEquals(notes, [
    "The tokenizer gives another text back, from character 8 on: " +
    '"all of the sea" for "all of The Sea"',
  ]);
  const same = await tokensOfText(TEXT, { ...reading, tokenizer: tokenizerOf(new Letters()) });
  assertEquals(same.notes, []);
});
