/**
 * A pattern of a tokenizer.json as a drop-in for a `RegExp` with flags `gu` in string methods. No
 * capture groups; replacement text is literal.
 */
import { compilePattern } from "./pattern_compile.ts";
import { MOST } from "../limits.ts";
import type { WorkMeter } from "../meter.ts";
import { after, Matcher } from "./pattern_match.ts";
import { parsePattern } from "./pattern_parse.ts";

/** Place of a pattern in its file, and the meter of its work. */
export interface PatternUse {
  readonly place: string;
  readonly meter: WorkMeter;
  /** Whether split() keeps the separators. */
  readonly keeps?: boolean;
}

/** A replacement for `RegExp`. */
export class Pattern {
  readonly flags = "gu";
  readonly source: string;
  readonly #matcher: Matcher;
  readonly #use: PatternUse;

  /** Compiles the source of a `RegExp` with flag `u`. @throws {UnsupportedPattern} */
  constructor(source: string, use: PatternUse) {
    this.source = source;
    this.#use = use;
    const program = compilePattern(parsePattern(source), MOST.states);
    this.#matcher = new Matcher(program, use.meter, use.place);
  }

  [Symbol.match](text: string): string[] | null {
    const found = Array.from(this.#ranges(text), ([start, end]) => text.slice(start, end));
    return found.length === 0 ? null : found;
  }

  *[Symbol.matchAll](text: string): Generator<{ readonly 0: string; readonly index: number }> {
    for (const [start, end] of this.#ranges(text)) {
      yield { 0: text.slice(start, end), index: start };
    }
  }

  [Symbol.replace](text: string, content: unknown): string {
    const by = String(content);
    const { meter, place } = this.#use;
    const parts: string[] = [];
    let from = 0;
    for (const [start, end] of this.#ranges(text)) {
      meter.grow(by.length - (end - start), place);
      parts.push(text.slice(from, start), by);
      from = end;
    }
    if (parts.length === 0) return text;
    parts.push(text.slice(from));
    return parts.join("");
  }

  [Symbol.split](text: string): string[] {
    const parts: string[] = [];
    let from = 0;
    for (let at = 0; at < text.length;) {
      const end = this.#matcher.endAt(text, at);
      if (end < 0 || end === from) {
        at = after(text, at);
        continue;
      }
      parts.push(text.slice(from, at));
      if (this.#use.keeps) parts.push(text.slice(at, end));
      from = end;
      at = end > at ? end : after(text, at);
    }
    return text === "" && this.#matcher.endAt("", 0) === 0 ? [] : [...parts, text.slice(from)];
  }

  /** Start and end of each match, in order. */
  *#ranges(text: string): Generator<readonly [start: number, end: number]> {
    for (let at = 0; at <= text.length;) {
      const end = this.#matcher.endAt(text, at);
      if (end >= 0) yield [at, end];
      at = end > at ? end : after(text, at);
    }
  }
}
