/**
 * Parses a regular expression that V8 has accepted with flag `u`. Character classes keep their
 * source: V8 evaluates them.
 */

/** Syntax tree of a pattern. */
export type PatternNode =
  | { readonly kind: "char"; readonly point: number }
  /** Any character that V8 matches with `source` and `flags`. */
  | { readonly kind: "set"; readonly source: string; readonly flags: string }
  | { readonly kind: "sequence" | "choice"; readonly parts: readonly PatternNode[] }
  | {
    readonly kind: "repeat";
    readonly body: PatternNode;
    readonly least: number;
    readonly most: number;
    readonly greedy: boolean;
  }
  | {
    readonly kind: "look";
    readonly body: PatternNode;
    readonly back: boolean;
    readonly negated: boolean;
  }
  | { readonly kind: "edge"; readonly end: boolean };

/** Thrown for unsupported syntax; the message says what is needed instead. */
export class UnsupportedPattern extends Error {}

/** Maximum nesting of groups: parsing is recursive. */
const DEEPEST = 256;

const ESCAPE =
  /\\(?:[pP]\{[^}]*\}|u\{[^}]*\}|u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|c[A-Za-z]|[^])/uy;
const CLASS = /\[(?:[^\\\]]|\\[^])*\]/uy;
const OPENING = /\((?:\?(?:<?[=!]|<[^>]*>|[a-z]*(?:-[a-z]*)?:))?/uy;
const QUANTIFIER = /(?:[*+?]|\{(\d+)(?:(,)(\d*))?\})(\??)/uy;
/** A literal character, escaped or not. */
const PLAIN = /^\\?[^]$/u;

/** Parses a pattern. @throws {UnsupportedPattern} */
export function parsePattern(source: string): PatternNode {
  const cursor = { source, at: 0, depth: 0, flags: "u" };
  return choice(cursor);
}

interface Cursor {
  readonly source: string;
  at: number;
  depth: number;
  flags: string;
}

function choice(cursor: Cursor): PatternNode {
  const parts = [sequence(cursor)];
  while (cursor.source[cursor.at] === "|") {
    cursor.at++;
    parts.push(sequence(cursor));
  }
  return parts.length === 1 ? parts[0] as PatternNode : { kind: "choice", parts };
}

function sequence(cursor: Cursor): PatternNode {
  const parts: PatternNode[] = [];
  for (let next; (next = cursor.source[cursor.at]) !== undefined && next !== "|" && next !== ")";) {
    parts.push(quantified(cursor, atom(cursor, next)));
  }
  return parts.length === 1 ? parts[0] as PatternNode : { kind: "sequence", parts };
}

function quantified(cursor: Cursor, body: PatternNode): PatternNode {
  const found = match(cursor, QUANTIFIER);
  if (found === undefined) return body;
  const [text, from, comma, to, lazy] = found;
  const least = from === undefined ? Number(text[0] === "+") : Number(from);
  const open = from === undefined ? text[0] !== "?" : comma !== undefined && to === "";
  const most = open ? Infinity : from === undefined ? 1 : Number(to ?? from);
  return { kind: "repeat", body, least, most, greedy: lazy === "" };
}

function atom(cursor: Cursor, next: string): PatternNode {
  const { flags } = cursor;
  if (next === "(") return group(cursor);
  if (next === "[") return { kind: "set", source: taken(cursor, CLASS), flags };
  if (next === ".") return { kind: "set", source: taken(cursor, /\./uy), flags };
  if (next === "^" || next === "$") {
    cursor.at++;
    return { kind: "edge", end: next === "$" };
  }
  if (next !== "\\") return character(cursor, taken(cursor, /[^]/uy));
  const escape = taken(cursor, ESCAPE);
  if (/^\\[1-9k]/.test(escape)) throw new UnsupportedPattern("patterns without references back");
  if (/^\\[bB]/.test(escape)) throw new UnsupportedPattern("patterns without \\b of JavaScript");
  return /^\\[a-zA-Z0]/.test(escape)
    ? { kind: "set", source: escape, flags }
    : character(cursor, escape);
}

/** A literal character, or a set if case is ignored. */
function character({ flags }: Cursor, source: string): PatternNode {
  if (flags !== "u" || !PLAIN.test(source)) return { kind: "set", source, flags };
  return { kind: "char", point: source.codePointAt(source[0] === "\\" ? 1 : 0) as number };
}

function group(cursor: Cursor): PatternNode {
  if (++cursor.depth > DEEPEST) {
    throw new UnsupportedPattern(`groups within groups ${DEEPEST} deep at most`);
  }
  const { flags } = cursor;
  const opening = taken(cursor, OPENING);
  const [, on, off] = /^\(\?([a-z]*)(?:-([a-z]*))?:/.exec(opening) ?? [];
  if (on?.includes("i")) cursor.flags = "iu";
  if (off?.includes("i")) cursor.flags = "u";
  const body = choice(cursor);
  cursor.flags = flags;
  cursor.at++;
  cursor.depth--;
  const [, back, sign] = /^\(\?(<?)([=!])/.exec(opening) ?? [];
  return sign === undefined
    ? body
    : { kind: "look", body, back: back === "<", negated: sign === "!" };
}

function taken(cursor: Cursor, pattern: RegExp): string {
  const [text] = match(cursor, pattern) ?? [];
  if (text !== undefined) return text;
  throw new UnsupportedPattern(`patterns as JavaScript writes them: ${cursor.source}`);
}

function match(cursor: Cursor, pattern: RegExp): RegExpExecArray | undefined {
  pattern.lastIndex = cursor.at;
  const found = pattern.exec(cursor.source) ?? undefined;
  cursor.at += found?.[0].length ?? 0;
  return found;
}
