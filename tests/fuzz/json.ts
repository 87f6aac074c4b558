/**
 * An independent JSON parser after RFC 8259 that keeps duplicate keys in order. A slow reference
 * for tests.
 */
import { Malformed } from "./msgpack.ts";

/** A value, with objects as their keys and values in order. */
export type Json =
  | { readonly kind: "object"; readonly pairs: readonly (readonly [string, Json])[] }
  | { readonly kind: "array"; readonly items: readonly Json[] }
  | { readonly kind: "string"; readonly text: string }
  | { readonly kind: "number"; readonly value: number }
  | { readonly kind: "word"; readonly word: string };

const SPACE = /[ \t\n\r]*/y;
const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
const WORD = /true|false|null/y;
// deno-lint-ignore no-control-regex -- what a string may not hold as it is
const STRING = /"((?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*)"/y;
const ESCAPES: Readonly<Record<string, string>> = {
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
};

/** The value in the text, of at most `depth` levels. @throws {Malformed} */
export function readJson(text: string, depth: number): Json {
  const cursor = { text, at: 0 };
  const value = readValue(cursor, depth);
  match(cursor, SPACE);
  if (cursor.at !== text.length) throw new Malformed("no JSON");
  return value;
}

interface Cursor {
  readonly text: string;
  at: number;
}

function readValue(cursor: Cursor, depth: number): Json {
  match(cursor, SPACE);
  const number = match(cursor, NUMBER);
  if (number !== undefined) return { kind: "number", value: Number(number) };
  const word = match(cursor, WORD);
  if (word !== undefined) return { kind: "word", word };
  if (cursor.text[cursor.at] === '"') return { kind: "string", text: readString(cursor) };
  if (depth === 0) throw new Malformed("too deep, or no JSON");
  if (sign(cursor, "[")) {
    return { kind: "array", items: readAll(cursor, "]", () => readValue(cursor, depth - 1)) };
  }
  if (!sign(cursor, "{")) throw new Malformed("no JSON");
  const pair = (): readonly [string, Json] => {
    match(cursor, SPACE);
    const key = readString(cursor);
    match(cursor, SPACE);
    if (!sign(cursor, ":")) throw new Malformed("no JSON");
    return [key, readValue(cursor, depth - 1)];
  };
  return { kind: "object", pairs: readAll(cursor, "}", pair) };
}

/** Items with commas between them, up to the closing sign. */
function readAll<T>(cursor: Cursor, close: string, item: () => T): T[] {
  const items: T[] = [];
  match(cursor, SPACE);
  if (sign(cursor, close)) return items;
  while (true) {
    items.push(item());
    match(cursor, SPACE);
    if (sign(cursor, close)) return items;
    if (!sign(cursor, ",")) throw new Malformed("no JSON");
  }
}

function readString(cursor: Cursor): string {
  const whole = match(cursor, STRING);
  if (whole === undefined) throw new Malformed("no JSON");
  return whole.slice(1, -1).replace(
    /\\(?:u([0-9a-fA-F]{4})|(.))/g,
    (_, hex, letter) => hex ? String.fromCharCode(parseInt(hex, 16)) : ESCAPES[letter] ?? letter,
  );
}

function sign(cursor: Cursor, letter: string): boolean {
  if (cursor.text[cursor.at] !== letter) return false;
  cursor.at++;
  return true;
}

function match(cursor: Cursor, pattern: RegExp): string | undefined {
  pattern.lastIndex = cursor.at;
  const found = pattern.exec(cursor.text)?.[0];
  cursor.at += found?.length ?? 0;
  return found;
}
