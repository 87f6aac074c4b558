/**
 * Fuzzes the tokenizer.json reader: small valid files whose parts are exchanged, repeated, nested
 * and corrupted. Each must be refused or give ids in bounded time.
 */
import { UserError } from "../../src/base/user_error.ts";
import { tokenizerBuilder } from "../../src/data/tokenizers/build.ts";
import { dice, pick, type Roll } from "./dice.ts";
import { Violation } from "./frames.ts";

/** Time limit of a round in milliseconds: a hundred times the time on an idle machine. */
const LONGEST = 20_000;

type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

const VOCAB = Object.fromEntries(Array.from("abcdefgh ▁Ġ'.", (letter, id) => [letter, id]));
const BPE = { type: "BPE", unk_token: "a", vocab: { ...VOCAB, ab: 13, abab: 14 }, merges: ["a b"] };
const runs = (most: number) => Array.from({ length: most }, (_, i) => ["a".repeat(i + 1), -i]);
const replace = (Regex: string, content: string) => ({
  type: "Replace",
  pattern: { Regex },
  content,
});
const split = (Regex: string, behavior: string) => ({
  type: "Split",
  pattern: { Regex },
  behavior,
  invert: false,
});

/** Valid files that together have every kind of part. */
const FILES: readonly Json[] = [
  {
    added_tokens: [{ id: 15, content: "<s>", special: true }, { id: 16, content: "ab ba" }],
    normalizer: {
      type: "Sequence",
      normalizers: [{ type: "Prepend", prepend: "▁" }, replace(" ", "▁"), { type: "NFKC" }],
    },
    pre_tokenizer: { type: "Metaspace", replacement: "▁", prepend_scheme: "first" },
    decoder: {
      type: "Sequence",
      decoders: [
        replace("▁", " "),
        { type: "ByteFallback" },
        { type: "Fuse" },
        { type: "Strip", content: " ", start: 1, stop: 0 },
      ],
    },
    model: { ...BPE, byte_fallback: true, ignore_merges: true },
  },
  {
    normalizer: { type: "Precompiled", precompiled_charsmap: "AAAA" },
    pre_tokenizer: {
      type: "Sequence",
      pretokenizers: [{ type: "WhitespaceSplit" }, { type: "Metaspace" }],
    },
    decoder: { type: "Metaspace" },
    model: { type: "Unigram", unk_id: 0, vocab: [["<unk>", 0], ["▁", -2], ["b", -3], ...runs(40)] },
  },
  {
    normalizer: { type: "BertNormalizer", clean_text: true, lowercase: true },
    pre_tokenizer: { type: "BertPreTokenizer" },
    decoder: { type: "WordPiece", prefix: "##", cleanup: true },
    model: {
      type: "WordPiece",
      unk_token: "a",
      continuing_subword_prefix: "##",
      max_input_chars_per_word: 100,
      vocab: { ...VOCAB, "##a": 13, "##b": 14 },
    },
  },
  {
    pre_tokenizer: {
      type: "Sequence",
      pretokenizers: [
        split("'(?:s|t)|[^\\r\\n\\p{L}]?\\p{L}+|\\p{N}{1,3}|\\s+(?!\\S)|\\s+", "Isolated"),
        { type: "ByteLevel", add_prefix_space: true, use_regex: false },
        { type: "Digits", individual_digits: true },
      ],
    },
    decoder: { type: "ByteLevel" },
    model: BPE,
  },
  {
    normalizer: {
      type: "Sequence",
      normalizers: [{ type: "Lowercase" }, { type: "StripAccents" }],
    },
    pre_tokenizer: {
      type: "Sequence",
      pretokenizers: [split("\\s+", "Removed"), { type: "FixedLength", length: 3 }, {
        type: "Punctuation",
      }],
    },
    decoder: { type: "CTC", pad_token: "a", word_delimiter_token: "b", cleanup: true },
    model: { type: "WordLevel", unk_token: "a", vocab: VOCAB },
  },
];

const TEXTS = ["", "ab ab'b a1 é🐋\n", "a".repeat(600), "ab ".repeat(200), "aaaaaaaaab".repeat(60)];

/** Unexpected values. */
const ODD: readonly Json[] = [
  null,
  true,
  0,
  -1,
  0.5,
  2 ** 31,
  2 ** 53,
  1e308,
  "",
  "a",
  "aa",
  "$&$`$'",
  "__proto__",
  "constructor",
  "\ud800",
  "x".repeat(256),
  "a".repeat(5000),
  [],
  {},
  [[]],
  ["a", "a"],
  ["a", 1],
];

const ATOMS = [
  "a",
  "b",
  " ",
  ".",
  "\\s",
  "\\p{L}",
  "[ab]",
  "[^a]",
  "^",
  "$",
  "\\b",
  "(?=a)",
  "(?<!a)",
];
const TIMES = ["*", "+", "?", "{2,9}", "{30}", "*?", "+?"];

/** Runs one round; returns its kind and outcome. @throws {Violation} */
export function tokenizerRound(seed: number, round: number): string {
  const roll = dice(seed, round);
  let file = pick(FILES, roll);
  for (let i = roll(3); i > 0; i--) file = changed(file, roll, 8);
  if (roll(3) === 0) {
    const pre_tokenizer = split(
      pattern(roll, 7) + pick(["", "!"], roll),
      pick(["Isolated", "Removed"], roll),
    );
    file = { ...file as { readonly [key: string]: Json }, pre_tokenizer };
  }
  const start = performance.now();
  const outcome = outcomeOf(file, pick(TEXTS, roll), `tokenizer, seed ${seed}, round ${round}`);
  const ms = performance.now() - start;
  if (ms < LONGEST) return `tokenizer: ${outcome}`;
  throw new Violation(`tokenizer, seed ${seed}, round ${round}: took ${ms} ms: ${shown(file)}`);
}

function outcomeOf(file: Json, text: string, what: string): string {
  let done = "refused when read";
  try {
    const tokenizer = tokenizerBuilder("x.json", { end: false, json: file }).build();
    done = "refused on a text";
    const ids = Array.from(tokenizer.encode(text));
    if (ids.some((id) => id >= tokenizer.size)) {
      throw new Violation(`${what}: gave an id that is no token: ${shown(file)}`);
    }
    done = "refused on its ids";
    tokenizer.decode(ids);
    const stream = tokenizer.stream();
    for (const id of ids.slice(0, 50)) stream.push(id);
    stream.flush();
    return "ids";
  } catch (error) {
    const isLine = error instanceof UserError && error.message.length < 1000;
    if (isLine || error instanceof Violation) {
      if (isLine) return done;
      throw error;
    }
    throw new Violation(`${what}: ${done}, with ${error}: ${shown(file)}`, { cause: error });
  }
}

function shown(file: Json): string {
  return JSON.stringify(file).slice(0, 2000);
}

/** A copy with one change, at most `depth` levels down. */
function changed(value: Json, roll: Roll, depth: number): Json {
  const isInner = typeof value === "object" && value !== null;
  if (!isInner || depth === 0 || roll(20) === 0) return spoilt(value, roll);
  if (Array.isArray(value)) {
    if (value.length === 0) return [pick(ODD, roll)];
    const at = roll(value.length);
    const kind = roll(5);
    // Remove, repeat, or change an item.
    if (kind === 0) return value.toSpliced(at, 1);
    if (kind === 1) {
      return value.toSpliced(at, 0, ...Array<Json>(1 + roll(80)).fill(value[at] as Json));
    }
    return value.with(at, changed(value[at] as Json, roll, depth - 1));
  }
  const entries = Object.entries(value);
  if (entries.length === 0 || roll(12) === 0) {
    return Object.fromEntries([...entries, [String(pick(ODD, roll)), pick(ODD, roll)]]);
  }
  const at = roll(entries.length);
  const [key, inner] = entries[at] as [string, Json];
  if (roll(10) === 0) return Object.fromEntries(entries.toSpliced(at, 1));
  const next = key === "Regex" && roll(8) > 0 ? pattern(roll, 5) : changed(inner, roll, depth - 1);
  return Object.fromEntries(entries.with(at, [key, next]));
}

/** Replaces a value: unexpected, from another file, or nested in itself. */
function spoilt(value: Json, roll: Roll): Json {
  const kind = roll(5);
  if (kind === 0) return pick(ODD, roll);
  if (kind === 1 && typeof value === "string") return value + value;
  if (kind === 2) return partOf(pick(FILES, roll), roll);
  if (kind === 3 && typeof value === "string") return value.repeat(1 + roll(400));
  const list = pick(["normalizers", "pretokenizers", "decoders"], roll);
  let nested = value;
  for (let i = roll(70); i >= 0; i--) {
    nested = { type: "Sequence", [list]: roll(3) === 0 ? [nested, nested] : [nested] };
    if (i > 8 && roll(3) === 0) i -= 8;
    // Duplicated parts double with each level.
    if (JSON.stringify(nested).length > 10_000) break;
  }
  return nested;
}

/** A random inner value. */
function partOf(value: Json, roll: Roll): Json {
  let part = value;
  for (let i = roll(5); i > 0 && typeof part === "object" && part !== null; i--) {
    const inner = Object.values(part) as Json[];
    if (inner.length === 0) break;
    part = pick(inner, roll);
  }
  return part;
}

/** A pattern with nested quantifiers. */
function pattern(roll: Roll, depth: number): string {
  if (depth === 0) return pick(ATOMS, roll);
  const inner = () => pattern(roll, depth - 1 - roll(depth));
  const kind = roll(5);
  if (kind === 0) return `(?:${inner()}|${inner()})`;
  if (kind === 1) return inner() + inner();
  if (kind === 2) return `(${pick(["?=", "?!", "?<=", "?<!", "?:"], roll)}${inner()})`;
  return `(${inner()})${pick(TIMES, roll)}`;
}
