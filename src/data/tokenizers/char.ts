/** The character tokenizer: one token per code point. */
import { UserError } from "../../base/user_error.ts";
import type { TokenizerSpec } from "../schema.ts";
import { cutCharacter } from "./cut_character.ts";
import { invalidId } from "./invalid_id.ts";
import type { Tokenizer } from "./types.ts";

/** Number of code points. */
const POINTS = 0x110000;
/** Code points of one UTF-16 unit. */
const UNITS = 0x10000;
/** Tokens per string concatenation. */
const PART = 4096;

/** Collects the distinct characters of a text added in chunks. */
export class CharacterSet {
  readonly #seen = new Uint8Array(POINTS);

  /** Adds the characters of a chunk. */
  add(text: string): void {
    const seen = this.#seen;
    for (let i = 0; i < text.length; i++) {
      const point = text.codePointAt(i) as number;
      seen[point] = 1;
      if (point >= UNITS) i++;
    }
  }

  /**
   * The tokenizer of the characters added. @throws {UserError} `data` without any character, or
   * with a lone surrogate.
   */
  tokenizer({ end = false }: { end?: boolean | undefined } = {}): Tokenizer {
    const points: number[] = [];
    this.#seen.forEach((seen, point) => seen === 1 && points.push(point));
    if (points.length === 0) {
      throw new UserError(
        "data",
        "Cannot make a tokenizer: need at least one character: the text is empty",
      );
    }
    if (points.some((point) => point >= 0xd800 && point < 0xe000)) {
      throw new UserError(
        "data",
        "Cannot make a tokenizer: need whole characters: half of a pair stands alone",
      );
    }
    return charsInOrder(points, end);
  }
}

/** One token per distinct code point of `text`, in order of code point. */
export function charTokenizer(
  text: string,
  options: { end?: boolean | undefined } = {},
): Tokenizer {
  const set = new CharacterSet();
  set.add(text);
  return set.tokenizer(options);
}

/**
 * The tokenizer of a spec. @throws {UserError} `data` unless its characters are distinct and
 * sorted.
 */
export function charTokenizerOf(
  { chars, end }: TokenizerSpec & { kind: "char" },
): Tokenizer {
  const tokenizer = charTokenizer(chars, { end });
  const again = tokenizer.toJSON();
  if (again.kind === "char" && again.chars === chars) return tokenizer;
  throw new UserError(
    "data",
    "Cannot read a tokenizer: need distinct characters in order of code point: they are not",
  );
}

function charsInOrder(points: readonly number[], end: boolean): Tokenizer {
  // id + 1 of characters of one UTF-16 unit, nearly all text; 0: no token.
  const table = new Uint32Array(UNITS);
  const beyond = new Map<number, number>();
  for (const [id, point] of points.entries()) {
    if (point < UNITS) table[point] = id + 1;
    else beyond.set(point, id + 1);
  }
  const chars = points.map((point) => String.fromCodePoint(point));
  const texts = end ? [...chars, ""] : chars;
  const textOf = (id: number): string => texts[id] ?? invalidId(id, texts.length);
  return {
    kind: "char",
    size: texts.length,
    end: end ? chars.length : undefined,
    unknown: undefined,
    encode(text) {
      const out = new Uint32Array(text.length);
      let n = 0;
      for (let i = 0; i < text.length; i++) {
        let id = table[text.charCodeAt(i)] as number;
        if (id === 0) {
          const point = text.codePointAt(i) as number;
          id = beyond.get(point) ?? unknownCharacter(point, n);
          i++;
        }
        out[n++] = id - 1;
      }
      return n === out.length ? out : out.slice(0, n);
    },
    decode(tokens) {
      let text = "";
      let part: string[] = [];
      for (const id of tokens) {
        part.push(textOf(id));
        if (part.length < PART) continue;
        text += part.join("");
        part = [];
      }
      return text + part.join("");
    },
    stream: () => ({ push: textOf, flush: () => "" }),
    cut: cutCharacter,
    toJSON: () => ({ kind: "char", chars: chars.join(""), ...(end && { end: true as const }) }),
  };
}

function unknownCharacter(point: number, offset: number): never {
  const code = "U+" + point.toString(16).toUpperCase().padStart(4, "0");
  const shown = JSON.stringify(String.fromCodePoint(point));
  throw new UserError(
    "data",
    `Cannot encode the text: need characters that the tokenizer knows: ${shown} (${code}) at character ${offset}`,
  );
}
