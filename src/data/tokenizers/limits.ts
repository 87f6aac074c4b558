/**
 * What a tokenizer.json may hold and may take. Each bound is several times what the largest that are
 * published have: 262,144 tokens, 514,906 merges, 35 MB of Gemma 3.
 */
import { UserError } from "../../base/user_error.ts";
import type { TokenizerJson } from "./schema.ts";

/** Bytes of a file. */
export const FILE_BYTES = 2 ** 27;

/** Bounds by what they count. */
export const MOST = {
  /** Entries of lists: tokens of the model, its merges, tokens beside it. */
  tokens: 2 ** 21,
  merges: 2 ** 21,
  added: 2 ** 18,
  /** UTF-16 units of one token, and of all tokens that a tree of characters is made of. */
  tokenUnits: 4096,
  addedUnits: 2 ** 22,
  unigramUnits: 2 ** 23,
  /** Ids that no token has, for each token that there is, and beside these. */
  idsPerToken: 4,
  idsMore: 4096,
  /** Normalizers, pre-tokenizers and decoders, and levels of values in them. */
  parts: 256,
  levels: 64,
  /** UTF-16 units of a text in them: of a pattern, of the precompiled map, of any other. */
  patternUnits: 8192,
  charsmapUnits: 2 ** 22,
  textUnits: 256,
  /** Characters of a word that WordPiece looks at. */
  wordCharacters: 1000,
  /** States of a pattern. */
  states: 2 ** 15,
  /** Steps for each UTF-16 unit of a text, and beside these. */
  steps: 1024,
  stepsMore: 2 ** 22,
  /** Times the length of a text that parts may add to it, and units beside these. */
  growth: 32,
  growthMore: 4096,
  /** UTF-16 units that are one word to the model: some 250 bytes each, and some 900. */
  bpeWord: 2 ** 23,
  unigramWord: 2 ** 20,
} as const;

/** How the refusals of a tokenizer.json begin. */
const CANNOT = "Cannot read a tokenizer.json: ";

/** The refusal of a tokenizer.json: what it must be, and what it is instead. */
export function unreadable(why: string): UserError {
  return new UserError("data", CANNOT + clipped(why));
}

/** A text that quotes a file, no longer than a line can bear. */
export function clipped(text: string): string {
  return text.length <= 300 ? text : `${text.slice(0, 200)}...${text.slice(-90)}`;
}

/** What `work` gives; a refusal of the tokenizer.json names the file. */
export function namingFile<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof UserError) || !error.message.startsWith(CANNOT)) throw error;
    throw new UserError(error.exit, `Cannot read ${path}: ${error.message.slice(CANNOT.length)}`);
  }
}

/** Holds the lengths of lists to their bounds before anything looks into them. @throws {UserError} `data` */
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

/** Holds what a tokenizer.json says to the bounds. @throws {UserError} `data` with the key and the bound. */
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
 * Holds the texts of tokens to the bounds of a library that compares texts. Our own encoder compares
 * numbers, and learns tokens of any length. @throws {UserError} `data` with the key and the bound.
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

/** Holds parts to their bounds, by levels: reading them by recursion takes a stack. */
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

/** Where sequences keep their parts. */
const LISTS = {
  normalizer: "normalizers",
  pre_tokenizer: "pretokenizers",
  decoder: "decoders",
} as const;

/** Holds the values that the library would not end with, or would write to the terminal. */
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
