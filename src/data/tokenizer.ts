/** Text to token ids and back. Knows no files, windows or models. */
import { Refusal } from "../base/refusal.ts";
import type { TokenizerSpec } from "./schema.ts";

/** A fixed map between text and token ids in [0, size). */
export interface Tokenizer {
  readonly kind: TokenizerSpec["kind"];
  /** Number of distinct tokens. */
  readonly size: number;
  /** Token ids of a text; refuses what it has no token for. */
  encode(text: string): Uint32Array;
  /** Text of token ids; a RangeError for an id outside [0, size). */
  decode(ids: Iterable<number>): string;
  /** The plain value that {@linkcode tokenizerFrom} takes. */
  toJSON(): TokenizerSpec;
}

/** One token per distinct code point of `text`, in order of code point. */
export function charTokenizer(text: string): Tokenizer {
  if (text.length === 0) {
    throw new Refusal(
      "data",
      "Cannot make a tokenizer: need at least one character: the text is empty",
    );
  }
  if (!text.isWellFormed()) {
    throw new Refusal(
      "data",
      "Cannot make a tokenizer: need whole characters: half of a pair stands alone",
    );
  }
  const points = new Set<number>();
  for (let i = 0; i < text.length;) {
    const point = text.codePointAt(i) as number;
    points.add(point);
    i += point > 0xffff ? 2 : 1;
  }
  return charsInOrder(Array.from(points).sort((a, b) => a - b));
}

function charsInOrder(points: readonly number[]): Tokenizer {
  const ids = new Map(points.map((point, id) => [point, id]));
  const chars = points.map((point) => String.fromCodePoint(point));
  return {
    kind: "char",
    size: points.length,
    encode(text) {
      const out = new Uint32Array(text.length);
      let n = 0;
      for (let i = 0; i < text.length;) {
        const point = text.codePointAt(i) as number;
        const id = ids.get(point);
        if (id === undefined) throw unknownCharacter(point, n);
        out[n++] = id;
        i += point > 0xffff ? 2 : 1;
      }
      return out.slice(0, n);
    },
    decode: (tokens) =>
      Array.from(tokens, (id) => chars[id] ?? outside(id, points.length)).join(""),
    toJSON: () => ({ kind: "char", chars: chars.join("") }),
  };
}

function unknownCharacter(point: number, offset: number): Refusal {
  const code = "U+" + point.toString(16).toUpperCase().padStart(4, "0");
  const shown = JSON.stringify(String.fromCodePoint(point));
  return new Refusal(
    "data",
    `Cannot encode the text: need characters that the tokenizer knows: ${shown} (${code}) at character ${offset}`,
  );
}

function outside(id: number, size: number): never {
  throw new RangeError(`Cannot decode a token: need an id in [0, ${size}): ${id}`);
}

/** One token per byte of the UTF-8 form. Bytes that form no character decode to U+FFFD. */
export function byteTokenizer(): Tokenizer {
  return {
    kind: "byte",
    size: 256,
    encode: (text) => Uint32Array.from(new TextEncoder().encode(text)),
    decode: (ids) =>
      // A token sequence may begin with the bytes of U+FEFF: they are text here, not a mark.
      new TextDecoder("utf-8", { ignoreBOM: true }).decode(
        Uint8Array.from(ids, (id) =>
          Number.isInteger(id) && id >= 0 && id < 256 ? id : outside(id, 256)),
      ),
    toJSON: () => ({ kind: "byte" }),
  };
}

/** The tokenizer that a spec describes; refuses a character list that is not in strict order. */
export function tokenizerFrom(spec: TokenizerSpec): Tokenizer {
  if (spec.kind === "byte") return byteTokenizer();
  const tokenizer = charTokenizer(spec.chars);
  const again = tokenizer.toJSON();
  if (again.kind !== "char" || again.chars !== spec.chars) {
    throw new Refusal(
      "data",
      "Cannot read a tokenizer: need distinct characters in order of code point: they are not",
    );
  }
  return tokenizer;
}
