/**
 * Tokenizers of any other make, through Hugging Face's library for JavaScript. It is told of no
 * special token, so that none comes out of a text.
 */
import {
  ByteFallbackDecoder,
  SequenceDecoder,
  Tokenizer as Library,
} from "@huggingface/tokenizers";
import { UserError } from "../../../base/user_error.ts";
import { bound } from "./library_bounds.ts";
import { cutterOf } from "./library_cut.ts";
import { faithful, fallbackBytes, specialOf } from "./library_parts.ts";
import { clipped, requireShortTokens, unreadable } from "../limits.ts";
import { WorkMeter } from "../meter.ts";
import { outside } from "../outside.ts";
import { UnsupportedPattern } from "../pattern/pattern_parse.ts";
import type { TokenizerJson } from "../schema.ts";
import { unknownOf, vocabOf, vocabularySizeOf } from "../tokenizer_json.ts";
import type { Tokenizer, TokenStream } from "../types.ts";
import { utf8Decoder } from "../utf8.ts";

const encoder = new TextEncoder();

/** Most tokens that wait for those that make a whole text of them: a character has four bytes. */
const WAITING = 64;

/** Units of text that are handed over at once, where they can be cut. */
const CHUNK = 1 << 16;

/** All that a tokenizer does but its name. @throws {UserError} `data` for what the library lacks. */
export function throughLibrary(
  json: TokenizerJson,
): Pick<Tokenizer, "encode" | "decode" | "stream" | "cut"> {
  const size = vocabularySizeOf(json);
  const special = new Set(specialOf(json).map(({ id }) => id));
  const known = { unknown: unknownOf(json), bytes: fallbackBytes(json) };
  const meter = new WorkMeter();
  const library = open(json, meter);
  const vocab = (library as unknown as { model: { vocab: readonly string[] } }).model.vocab;
  const cut = cutterOf(json);
  const decode = (ids: readonly number[]): string => {
    const texts = ids.filter((id) => !special.has(id));
    if (texts.length === 0) return "";
    meter.begin(texts.reduce((sum, id) => sum + (vocab[id] ?? "").length, 0));
    return guarded(() => library.decode(texts, { clean_up_tokenization_spaces: false }));
  };
  const check = (id: number): number =>
    Number.isInteger(id) && id >= 0 && id < size ? id : outside(id, size);
  return {
    encode: (text) => encodeParts(text, { library, meter, cut, ...known }),
    decode: (ids) => decode(Array.from(ids, check)),
    stream: () => streamOf(decode, { check, silent: (id) => special.has(id) }),
    cut,
  };
}

function open(json: TokenizerJson, meter: WorkMeter): Library {
  requireShortTokens(json, vocabOf(json));
  const made = withoutSpecial(json);
  try {
    // Added tokens go through the normalizer, so that must be bounded before.
    const library = new Library({ ...made, added_tokens: [] }, {});
    keepMarks(library.decoder);
    bound(library, made, meter);
    return library;
  } catch (error) {
    if (error instanceof UserError) throw error;
    if (error instanceof UnsupportedPattern) throw unreadable(`need ${error.message}`);
    throw unreadable(error instanceof Error ? error.message : String(error));
  }
}

/** What a part of the library gives. @throws {UserError} `data` for what its file makes it fail at. */
function guarded<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof UserError || error instanceof RangeError) throw error;
    const message = error instanceof Error ? error.message : String(error);
    throw new UserError("data", `Cannot use the tokenizer.json on this text: ${clipped(message)}`);
  }
}

/** The library's decoder of lone bytes takes U+FEFF at the start of a run for a mark, and drops it. */
function keepMarks(decoder: unknown): void {
  if (decoder instanceof ByteFallbackDecoder) {
    Object.assign(decoder, { text_decoder: utf8Decoder() });
  }
  if (decoder instanceof SequenceDecoder) {
    for (const part of (decoder as unknown as { decoders: unknown[] }).decoders) keepMarks(part);
  }
}

/** The file without what no text may become: special tokens, and what is put around a text. */
function withoutSpecial(json: TokenizerJson): TokenizerJson {
  const names = new Set(specialOf(json).map(({ content }) => content));
  const { unk_token, unk_id } = json.model as { unk_token?: unknown; unk_id?: unknown };
  // Out of reach, not out of the vocabulary: ids stay, and unknown text still has its token.
  const hidden = (token: string, id: number): string =>
    names.has(token) && token !== unk_token && id !== unk_id ? `\0special ${id}\0` : token;
  const { vocab } = json.model;
  return {
    ...json,
    normalizer: json.normalizer ?? null,
    pre_tokenizer: json.pre_tokenizer ? faithful(json.pre_tokenizer) : null,
    decoder: json.decoder ?? null,
    post_processor: null,
    truncation: null,
    padding: null,
    added_tokens: json.added_tokens.filter((token) => !token.special),
    model: {
      ...json.model,
      // Without one, what is unknown would be left out; with one that has no id, it is noticed.
      unk_token: unk_token ?? "\0unknown\0",
      vocab: Array.isArray(vocab)
        ? vocab.map(([token, score], id): [string, number] => [hidden(token, id), score])
        : Object.fromEntries(Object.entries(vocab).map(([token, id]) => [hidden(token, id), id])),
    },
  };
}

function encodeParts(
  text: string,
  { library, meter, cut, unknown, bytes }: {
    library: Library;
    meter: WorkMeter;
    cut: Tokenizer["cut"];
    unknown: number | undefined;
    /** Tokens of the bytes that unknown text becomes. */
    bytes: Uint32Array | undefined;
  },
): Uint32Array {
  const parts: number[][] = [];
  let length = 0;
  for (let start = 0, units = CHUNK; start < text.length;) {
    const chunk = text.slice(start, start + units);
    const place = start + units >= text.length ? chunk.length : cut(chunk);
    units = place === 0 ? 2 * units : CHUNK;
    if (place === 0) continue;
    const { ids: found, tokens } = encodedBy(library, chunk.slice(0, place), meter);
    const plain = found.every((id) => id !== unknown && typeof id === "number");
    const ids = plain ? found : found.flatMap((id: number | null | undefined, i) => {
      if (bytes !== undefined && id === unknown) {
        return Array.from(encoder.encode(tokens[i]), (byte) => bytes[byte]);
      }
      // The library names no token for unknown words of WordLevel.
      return [id ?? unknown];
    });
    const missing = plain ? -1 : ids.indexOf(undefined);
    if (missing >= 0) {
      throw new UserError(
        "data",
        `Cannot encode the text: need characters that the tokenizer knows: one of token ${
          length + missing
        } has no token, and there is none for unknown ones`,
      );
    }
    parts.push(ids as number[]);
    length += ids.length;
    start += place;
  }
  const out = new Uint32Array(length);
  let at = 0;
  for (const ids of parts) {
    out.set(ids, at);
    at += ids.length;
  }
  return out;
}

/** @throws {UserError} `data` for a word that is too long for the library. */
function encodedBy(
  library: Library,
  text: string,
  meter: WorkMeter,
): { ids: number[]; tokens: string[] } {
  meter.begin(text.length);
  try {
    return guarded(() => library.encode(text, { add_special_tokens: false }));
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new UserError(
      "data",
      `Cannot encode the text: need shorter words for this tokenizer.json: ${text.length} ` +
        `characters without a place to cut: ${error.message}`,
    );
  }
}

/**
 * What a token adds to the text depends on those before it (a space, half a character). So the few
 * since the last whole text are decoded with and without it; the difference is what it adds.
 */
function streamOf(
  decode: (ids: readonly number[]) => string,
  { check, silent }: {
    readonly check: (id: number) => number;
    /** Whether a token has no text whatever stands beside it. */
    readonly silent: (id: number) => boolean;
  },
): TokenStream {
  let ids: number[] = [];
  /** How many of `ids` are told already. */
  let told = 0;
  const rest = (): string => decode(ids).slice(decode(ids.slice(0, told)).length);
  return {
    push(id) {
      if (silent(check(id))) return "";
      ids.push(id);
      const text = rest();
      // Tokens without a text of their own would be decoded again with each that follows.
      const waits = text === "" || text.endsWith("\ufffd");
      if (waits && ids.length - told < WAITING) return "";
      ids = ids.slice(told);
      told = ids.length;
      return text;
    },
    flush() {
      const text = rest();
      ids = [];
      told = 0;
      return text;
    },
  };
}
