/**
 * Resource limits of a tokenizer.json. Each is several times the largest published ones: Gemma 3
 * has 262,144 tokens, 514,906 merges, 35 MB.
 */
import { UserError } from "../../base/user_error.ts";
import type { TokenizerJson } from "./schema.ts";

/** Bytes of a file. */
export const FILE_BYTES = 2 ** 27;

/** Limits by what they count. */
export const MOST = {
  /** Entries of lists: tokens of the model, its merges, tokens beside it. */
  tokens: 2 ** 21,
  merges: 2 ** 21,
  added: 2 ** 18,
  /** UTF-16 units of one token, and of all tokens of a trie. */
  tokenUnits: 4096,
  addedUnits: 2 ** 22,
  unigramUnits: 2 ** 23,
  /** Unused ids per token, and a constant. */
  idsPerToken: 4,
  idsMore: 4096,
  /** Normalizers, pre-tokenizers and decoders, and levels of values in them. */
  parts: 256,
  levels: 64,
  /** UTF-16 units of a string in them: a pattern, the precompiled map, any other. */
  patternUnits: 8192,
  charsmapUnits: 2 ** 22,
  textUnits: 256,
  /** Characters of a word that WordPiece looks at. */
  wordCharacters: 1000,
  /** States of a pattern. */
  states: 2 ** 15,
  /** Steps per UTF-16 unit of a text, and a constant. */
  steps: 1024,
  stepsMore: 2 ** 22,
  /** Growth of a text relative to its length, and a constant in units. */
  growth: 32,
  growthMore: 4096,
  /** UTF-16 units of one word: about 250 bytes of memory each for BPE, 900 for Unigram. */
  bpeWord: 2 ** 23,
  unigramWord: 2 ** 20,
} as const;

/** Start of the errors of a tokenizer.json. */
const CANNOT = "Cannot read a tokenizer.json: ";

/** The error for an unusable tokenizer.json: need and actual state. */
export function unreadable(why: string): UserError {
  return new UserError("data", CANNOT + clipped(why));
}

/** Abbreviates text quoted from a file to 300 characters. */
export function clipped(text: string): string {
  return text.length <= 300 ? text : `${text.slice(0, 200)}...${text.slice(-90)}`;
}

/** Runs `work`; puts the file's path into errors of a tokenizer.json. */
export function namingFile<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof UserError) || !error.message.startsWith(CANNOT)) throw error;
    throw new UserError(error.exit, `Cannot read ${path}: ${error.message.slice(CANNOT.length)}`);
  }
}

/** Checks the lengths of lists before their entries are read. @throws {UserError} `data` */
export function requireCounts(value: unknown): void {
  const { model, added_tokens } = Object(value);
  const { vocab, merges } = Object(model);
  for (
    const [key, list, most] of [
      ["model.vocab", vocab, MOST.tokens],
      ["model.merges", merges, MOST.merges],
      ["added_tokens", added_tokens, MOST.added],
    ] as const
  ) {
    const count = Array.isArray(list) ? list.length : Object.keys(Object(list)).length;
    if (count > most) throw unreadable(`need at most ${most} entries of ${key}: it has ${count}`);
  }
}

/**
 * Checks a tokenizer.json against the limits. @throws {UserError} `data` with the key and the
 * limit.
 */
export function requireWithin(
  { model, added_tokens, normalizer, pre_tokenizer, decoder }: TokenizerJson,
  tokens: Iterable<readonly [string, number]>,
): void {
  let [count, last] = [added_tokens.length, -1];
  for (const [, id] of tokens) {
    count++;
    last = Math.max(last, id);
  }
  for (const { id } of added_tokens) last = Math.max(last, id);
  const ids = MOST.idsPerToken * count + MOST.idsMore;
  if (last < 0) throw unreadable(`need ids of 1 to ${MOST.tokens} tokens: there are none`);
  if (last >= ids) throw unreadable(`need ids below ${ids} for ${count} tokens: one is ${last}`);
  for (const [key, text] of textsOf(model, ["vocab", "merges"])) {
    requireUnits(`model.${key}`, text, MOST.textUnits);
  }
  requireParts({ normalizer, pre_tokenizer, decoder });
}

/**
 * Checks token lengths for the library, which compares strings. Our own encoder compares ids and
 * allows any length. @throws {UserError} `data` with the key and the bound.
 */
export function requireShortTokens(
  { model, added_tokens }: TokenizerJson,
  tokens: Iterable<readonly [string, number]>,
): void {
  let units = 0;
  for (const [token] of tokens) {
    requireUnits("a token of model.vocab", token, MOST.tokenUnits);
    units += token.length;
  }
  if (Array.isArray(model.vocab)) requireTotal("model.vocab", units, MOST.unigramUnits);
  for (const merge of model.merges ?? []) {
    for (const part of typeof merge === "string" ? [merge] : merge) {
      requireUnits("an entry of model.merges", part, 2 * MOST.tokenUnits);
    }
  }
  units = 0;
  for (const { content } of added_tokens) {
    requireUnits("added_tokens.content", content, MOST.tokenUnits);
    units += content.length;
  }
  requireTotal("added_tokens", units, MOST.addedUnits);
  const word = model["max_input_chars_per_word"];
  if (typeof word === "number" && word > MOST.wordCharacters) {
    throw unreadable(
      `need at most ${MOST.wordCharacters} at model.max_input_chars_per_word: it is ${word}`,
    );
  }
}

/** Checks nested parts level by level, because recursion could overflow the stack. */
function requireParts(parts: Readonly<Record<string, unknown>>): void {
  let count = 0;
  let level = Object.entries(parts).filter(([, part]) => isObject(part));
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > MOST.levels) {
      throw unreadable(`need parts within parts ${MOST.levels} deep at most: they go deeper`);
    }
    const next: [string, unknown][] = [];
    for (const [place, value] of level) {
      const { type } = value as { type?: unknown };
      if (type !== undefined && ++count > MOST.parts) {
        throw unreadable(`need at most ${MOST.parts} parts: ${place} is one more`);
      }
      requireValues(place, value as object);
      for (const [key, inner] of Object.entries(value as object)) {
        if (typeof inner === "string") requireUnits(`${place}.${key}`, inner, unitsAt(key));
        else if (isObject(inner)) next.push([`${place}.${key}`, inner]);
      }
    }
    level = next;
  }
}

/** Keys of a Sequence's parts. */
const LISTS = {
  normalizer: "normalizers",
  pre_tokenizer: "pretokenizers",
  decoder: "decoders",
} as const;

/** Checks values on which the library would loop forever or print to the terminal. */
function requireValues(place: string, value: object): void {
  const { type, length, pattern } = value as Readonly<Record<string, unknown>>;
  if (type === "FixedLength" && !(Number.isSafeInteger(length) && (length as number) > 0)) {
    throw unreadable(`need a whole number from 1 at ${place}.length`);
  }
  if (type === "Sequence") {
    const key = `${place}.${LISTS[place.split(".", 1)[0] as keyof typeof LISTS]}`;
    const list = (value as Readonly<Record<string, unknown>>)[key.slice(place.length + 1)];
    const isPart = (part: unknown) => typeof Object(part).type === "string";
    if (!Array.isArray(list) || !list.every(isPart)) throw unreadable(`need parts at ${key}`);
  }
  if (type !== "Split" && type !== "Replace") return;
  const { Regex, String: text } = Object(pattern);
  if (typeof (Regex ?? text) === "string") return;
  throw unreadable(`need a text Regex or String at ${place}.pattern`);
}

function unitsAt(key: string): number {
  if (key === "Regex") return MOST.patternUnits;
  return key === "precompiled_charsmap" ? MOST.charsmapUnits : MOST.textUnits;
}

function textsOf(value: object, but: readonly string[]): [string, string][] {
  return Object.entries(value).filter((entry): entry is [string, string] =>
    typeof entry[1] === "string" && !but.includes(entry[0])
  );
}

function requireUnits(place: string, text: string, most: number): void {
  if (text.length <= most) return;
  throw unreadable(`need at most ${most} characters at ${place}: it has ${text.length}`);
}

function requireTotal(place: string, units: number, most: number): void {
  if (units <= most) return;
  throw unreadable(`need at most ${most} characters in all of ${place}: it has ${units}`);
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}
