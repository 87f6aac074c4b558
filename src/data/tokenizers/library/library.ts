/**
 * Other tokenizers, through Hugging Face's JavaScript library. Special tokens are hidden from it,
 * so that encoding never produces one.
 */
import {
  ByteFallbackDecoder,
  SequenceDecoder,
  Tokenizer as Library,
} from "@huggingface/tokenizers";
import { UserError } from "../../../base/user_error.ts";
import { bound } from "./library_bounds.ts";
import { cutterOf } from "./library_cut.ts";
import { fallbackBytes, specialOf, withRustWords } from "./library_parts.ts";
import { clipped, requireShortTokens, unreadable } from "../limits.ts";
import { WorkMeter } from "../meter.ts";
import { invalidId } from "../invalid_id.ts";
import { UnsupportedPattern } from "../pattern/pattern_parse.ts";
import type { TokenizerJson } from "../schema.ts";
import { unknownOf, vocabOf, vocabularySizeOf } from "../tokenizer_json.ts";
import type { Tokenizer, TokenStream } from "../types.ts";
import { utf8Decoder } from "../utf8.ts";

const encoder = new TextEncoder();

/** Maximum tokens held back by a decoding stream while its text is incomplete. */
const WAITING = 64;

/** UTF-16 units per library call, if the text can be split. */
const CHUNK = 1 << 16;

/** Encoder and decoder through the library. @throws {UserError} `data` for unsupported parts. */
export function libraryTokenizer(
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
    Number.isInteger(id) && id >= 0 && id < size ? id : invalidId(id, size);
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
    // The constructor would normalize added tokens before the normalizer is metered.
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

/** Calls the library. @throws {UserError} `data` in place of the library's errors. */
function guarded<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof UserError || error instanceof RangeError) throw error;
    const message = error instanceof Error ? error.message : String(error);
    throw new UserError("data", `Cannot use the tokenizer.json on this text: ${clipped(message)}`);
  }
}

/** The library's ByteFallback decoder drops U+FEFF at the start of a run as a byte order mark. */
function keepMarks(decoder: unknown): void {
  if (decoder instanceof ByteFallbackDecoder) {
    Object.assign(decoder, { text_decoder: utf8Decoder() });
  }
  if (decoder instanceof SequenceDecoder) {
    for (const part of (decoder as unknown as { decoders: unknown[] }).decoders) keepMarks(part);
  }
}

/** The file without special tokens and post-processor. */
function withoutSpecial(json: TokenizerJson): TokenizerJson {
  const names = new Set(specialOf(json).map(({ content }) => content));
  const { unk_token, unk_id } = json.model as { unk_token?: unknown; unk_id?: unknown };
  // Rename special tokens instead of removing them: ids stay, and unk_token is kept.
  const hidden = (token: string, id: number): string =>
    names.has(token) && token !== unk_token && id !== unk_id ? `\0special ${id}\0` : token;
  const { vocab } = json.model;
  return {
    ...json,
    normalizer: json.normalizer ?? null,
    pre_tokenizer: json.pre_tokenizer ? withRustWords(json.pre_tokenizer) : null,
    decoder: json.decoder ?? null,
    post_processor: null,
    truncation: null,
    padding: null,
    added_tokens: json.added_tokens.filter((token) => !token.special),
    model: {
      ...json.model,
      // Without an unk_token the library drops unknown text silently; one without an id makes it
      // visible.
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
    /** Byte-fallback tokens of unknown text. */
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
      // For unknown words of WordLevel the library returns no id.
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

/** @throws {UserError} `data` for a word too long for the library. */
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
 * The text of a token depends on those before it (a space, part of a character). So the tokens
 * since the last complete text are decoded with and without it, and the difference is its text.
 */
function streamOf(
  decode: (ids: readonly number[]) => string,
  { check, silent }: {
    readonly check: (id: number) => number;
    /** Whether a token never has text. */
    readonly silent: (id: number) => boolean;
  },
): TokenStream {
  let ids: number[] = [];
  /** How many of `ids` were emitted already. */
  let emitted = 0;
  const rest = (): string => decode(ids).slice(decode(ids.slice(0, emitted)).length);
  return {
    push(id) {
      if (silent(check(id))) return "";
      ids.push(id);
      const text = rest();
      // Bound the tokens held back: they are decoded again with each push.
      const waits = text === "" || text.endsWith("\ufffd");
      if (waits && ids.length - emitted < WAITING) return "";
      ids = ids.slice(emitted);
      emitted = ids.length;
      return text;
    },
    flush() {
      const text = rest();
      ids = [];
      emitted = 0;
      return text;
    },
  };
}
