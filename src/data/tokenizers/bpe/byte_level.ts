/**
 * Writes and reads byte-level BPE as tokenizer.json. Only files for which our encoder gives
 * identical ids are accepted.
 */
import type { ByteBpe } from "./byte_bpe.ts";
import { specialOf } from "../library/library_parts.ts";
import { unreadable } from "../limits.ts";
import { Merges } from "./merges.ts";
import { bytesToUnicode, unicodeToBytes } from "../byte_unicode.ts";
import type { TokenizerJson } from "../schema.ts";
import { vocabOf, vocabularySizeOf } from "../tokenizer_json.ts";
import { END_TEXT } from "../types.ts";

/** Tokens and merges of a tokenizer.json. */
export interface Pieces {
  /** Bytes of each token in order of id, without special tokens. */
  readonly tokens: readonly Uint8Array[];
  /** Merges in order of rank, as pairs of ids. */
  readonly pairs: readonly (readonly [number, number])[];
}

const BYTE_LEVEL = { type: "ByteLevel", add_prefix_space: false, trim_offsets: true };

/** A tokenizer.json of these tokens; `end`: whether to add an end-of-document token. */
export function writeByteLevel(
  { tokens, pairs }: Pieces,
  { end }: { readonly end: boolean },
): Record<string, unknown> {
  const texts = tokens.map(bytesToUnicode);
  return byteLevelJson({
    vocab: Object.fromEntries([
      ...texts.map((text, id) => [text, id]),
      ...end ? [[END_TEXT, tokens.length]] : [],
    ]),
    merges: pairs.map(([left, right]) => [texts[left] as string, texts[right] as string]),
    end: end ? tokens.length : undefined,
  });
}

/** A tokenizer.json of a vocabulary; `end`: id of the end-of-document token. */
export function byteLevelJson({ vocab, merges, end }: {
  readonly vocab: Readonly<Record<string, number>>;
  readonly merges: readonly (readonly [string, string])[];
  readonly end: number | undefined;
}): Record<string, unknown> {
  return {
    version: "1.0",
    truncation: null,
    padding: null,
    added_tokens: end === undefined ? [] : [endToken(end)],
    normalizer: null,
    pre_tokenizer: { ...BYTE_LEVEL, use_regex: true },
    post_processor: null,
    decoder: { ...BYTE_LEVEL, use_regex: true },
    model: {
      type: "BPE",
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: false,
      vocab,
      merges,
    },
  };
}

/** The entry of the end token in `added_tokens`. */
export function endToken(id: number): Record<string, unknown> {
  return {
    id,
    content: END_TEXT,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
    special: true,
  };
}

/** The tables of a byte-level BPE file; undefined for any other tokenizer. */
export function readByteLevel(json: TokenizerJson): ByteBpe | undefined {
  if (!isByteLevel(json)) return undefined;
  const ids = new Map(vocabOf(json));
  const none = new Uint8Array();
  const tokens: Uint8Array[] = Array.from({ length: vocabularySizeOf(json) }, () => none);
  const byteTokens = new Int32Array(256).fill(-1);
  const special = new Set(specialOf(json).map(({ content }) => content));
  for (const [text, id] of ids) {
    if (special.has(text)) continue;
    const bytes = unicodeToBytes(text);
    if (bytes === undefined) return undefined;
    tokens[id] = bytes;
    if (bytes.length === 1) byteTokens[bytes[0] as number] = id;
  }
  if (byteTokens.includes(-1)) return undefined;
  const merges = new Merges();
  for (const merge of json.model.merges ?? []) {
    const [left, right] = pairOf(merge);
    const numbers = [left, right, left + right].map((text) => ids.get(text));
    const [a, b, joined] = numbers;
    if (a === undefined || b === undefined || joined === undefined) {
      throw unreadable(`need tokens for all parts of merges: ${JSON.stringify([left, right])}`);
    }
    merges.add(a, b, joined);
  }
  return { tokens, byteTokens, merges };
}

/** The two parts of a merge: "a b" or ["a", "b"]. */
export function pairOf(merge: string | readonly [string, string]): readonly [string, string] {
  if (typeof merge !== "string") return merge;
  const [left = "", right = ""] = merge.split(" ");
  return [left, right];
}

/** Whether a file is plain byte-level BPE with GPT-2's pre-tokenizer. */
export function isByteLevel(
  { model, pre_tokenizer, normalizer, decoder, added_tokens }: TokenizerJson,
): boolean {
  const off = ["dropout", "continuing_subword_prefix", "end_of_word_suffix", "byte_fallback"];
  return !normalizer && decoder?.type === "ByteLevel" &&
    pre_tokenizer?.type === "ByteLevel" && pre_tokenizer["add_prefix_space"] === false &&
    pre_tokenizer["use_regex"] !== false &&
    (model.type ?? "BPE") === "BPE" && model.merges !== undefined && !model["ignore_merges"] &&
    off.every((name) => !model[name]) && added_tokens.every(({ special }) => special);
}
