/** Holds the tokenizers of users to what they promise. The errors say what was returned. */
import { describeValue } from "../../../base/text/describe_value.ts";
import type { UserTokenizer } from "./user_tokenizer.ts";

/** Most characters of a text that is encoded twice. */
const SAMPLE = 4096;
/** Most tokens: ids are u32, and logits of a token are one binding. */
const MOST_TOKENS = 2 ** 31;

/** What `make` returned, as a tokenizer. @throws {RangeError} for what is none. */
export function heldTokenizer(name: string, made: unknown): UserTokenizer {
  const { size, end, encode, decode } = Object(made) as Partial<UserTokenizer>;
  if (typeof made !== "object" || made === null || made instanceof Promise) {
    throw new RangeError(
      `need make of ${name} to return { size, encode, decode }: got ${describeValue(made)}`,
    );
  }
  if (!Number.isInteger(size) || Number(size) < 1) {
    throw new RangeError(`need a size of at least 1: got ${describeValue(size)}`);
  }
  if (Number(size) > MOST_TOKENS) {
    throw new RangeError(`need a size of at most ${MOST_TOKENS}: got ${size}`);
  }
  if (end !== undefined && !(Number.isInteger(end) && end >= 0 && end < Number(size))) {
    throw new RangeError(`need an end token below ${size}: got ${describeValue(end)}`);
  }
  for (const [key, value] of Object.entries({ encode, decode })) {
    if (typeof value === "function") continue;
    throw new RangeError(`need the function ${key} of ${name}: got ${describeValue(value)}`);
  }
  return made as UserTokenizer;
}

/**
 * The ids of a text. @throws {RangeError} unless they are whole numbers below the size, without the
 * end token.
 */
export function idsOf(name: string, tokenizer: UserTokenizer, text: string): Uint32Array {
  const { size, end } = tokenizer;
  const made: unknown = tokenizer.encode(text);
  const need = `need encode of ${name} to return`;
  const list = listOf(made);
  if (list === undefined) {
    throw new RangeError(`${need} a list of ids: got ${describeValue(made)}`);
  }
  const ids = new Uint32Array(list.length);
  for (let i = 0; i < list.length; i++) {
    const id = list[i];
    if (typeof id !== "number" || !Number.isInteger(id) || id < 0 || id >= size) {
      throw new RangeError(`${need} whole numbers below ${size}: got ${describeValue(id)}`);
    }
    if (id === end) {
      throw new RangeError(`${need} ids without the end token, which no text has: got ${id}`);
    }
    ids[i] = id;
  }
  return ids;
}

function listOf(made: unknown): ArrayLike<unknown> | undefined {
  if (typeof made !== "object" || made === null) return undefined;
  if (Symbol.iterator in made && !("length" in made)) return Array.from(made as Iterable<unknown>);
  const { length } = made as Partial<ArrayLike<unknown>>;
  return Number.isInteger(length) ? made as ArrayLike<unknown> : undefined;
}

/** What `decode` returned. @throws {RangeError} unless it is a text. */
export function decodedText(name: string, made: unknown): string {
  if (typeof made === "string") return made;
  throw new RangeError(`need decode of ${name} to return a text: got ${describeValue(made)}`);
}

/**
 * Encodes and decodes the start of a text twice. @throws {RangeError} when the results differ, or
 * nothing is left of the text.
 */
export function requireRepeatable(name: string, tokenizer: UserTokenizer, text: string): void {
  const sample = sampleOf(text);
  let first: Uint32Array;
  try {
    first = idsOf(name, tokenizer, sample);
  } catch (error) {
    // A part of the text may have no tokens of its own, which the whole has.
    if (sample !== text) return;
    throw error;
  }
  const second = idsOf(name, tokenizer, sample);
  const at = first.findIndex((id, i) => id !== second[i]);
  if (at >= 0 || first.length !== second.length) {
    const [one, two] = at < 0
      ? [`${first.length} ids`, `${second.length} ids`]
      : [`id ${first[at]}`, second[at] === undefined ? "none" : `id ${second[at]}`];
    const place = at < 0 ? "" : ` at token ${at + 1}`;
    throw new RangeError(
      `need encode of ${name} to return the same ids for the same text: got ${one} and then ` +
        `${two}${place}`,
    );
  }
  const ids = Array.from(first);
  const back = decodedText(name, tokenizer.decode(ids));
  if (decodedText(name, tokenizer.decode(ids)) !== back) {
    throw new RangeError(
      `need decode of ${name} to return the same text for the same ids: got another one`,
    );
  }
  if (back === "" && sample.trim() !== "") {
    throw new RangeError(
      `need ids of ${name} that decode to their text: got "" for ${describeValue(sample)}`,
    );
  }
}

/**
 * A sentence for a text whose ids decode to another one, as of a tokenizer that normalises; undefined
 * if they give it back, or the start of the text has no ids of its own.
 */
export function lossNote(
  tokenizer: { encode(text: string): Uint32Array; decode(ids: Iterable<number>): string },
  text: string,
): string | undefined {
  const sample = sampleOf(text);
  let back: string;
  try {
    back = tokenizer.decode(tokenizer.encode(sample));
  } catch {
    return undefined;
  }
  if (back === sample) return undefined;
  let at = 0;
  while (at < sample.length && sample[at] === back[at]) at++;
  const shown = (whole: string) => JSON.stringify(whole.slice(Math.max(0, at - 10), at + 20));
  return `The tokenizer gives another text back, from character ${at + 1} on: ${shown(back)} for ` +
    shown(sample);
}

/** The start of a text, to white space where it is longer. */
function sampleOf(text: string): string {
  if (text.length <= SAMPLE) return text;
  const start = text.slice(0, SAMPLE);
  const end = start.search(/\s\S*$/);
  return end > 0 ? start.slice(0, end) : start;
}

/** @throws {RangeError} unless `value` is what JSON keeps: it is stored in checkpoints. */
export function requirePlain(name: string, value: unknown): void {
  const left = [value];
  const seen = new Set<unknown>();
  while (left.length > 0) {
    const next = left.pop();
    if (next === null || typeof next === "string" || typeof next === "boolean") continue;
    if (typeof next === "number" && Number.isFinite(next)) continue;
    const isList = Array.isArray(next);
    if (!isList && !isPlainObject(next)) {
      throw new RangeError(
        `need learn of ${name} to return what JSON keeps, objects, lists, texts and numbers: got ` +
          describeValue(next),
      );
    }
    if (seen.has(next)) continue;
    seen.add(next);
    for (const item of isList ? next as unknown[] : Object.values(next as object)) left.push(item);
  }
}

function isPlainObject(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  const prototype = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
