/**
 * Recognizes our own tokenizers in a tokenizer.json, so that an exported one keeps its kind and
 * hash.
 */
import { canonical } from "../../base/hash.ts";
import { UserError } from "../../base/user_error.ts";
import type { TokenizerSpec } from "../schema.ts";
import { canonicalTokenizer } from "./canonical.ts";
import { SIZE } from "./bpe/gpt2.ts";
import { toHuggingFace } from "./huggingface.ts";
import { tokenizerFrom } from "./mod.ts";
import type { TokenizerJson } from "./schema.ts";
import { readTokenizerJson, vocabOf, vocabularySizeOf } from "./tokenizer_json.ts";
import { END_TEXT } from "./types.ts";
import { SPECIAL } from "./word.ts";

/**
 * The spec of a tokenizer.json: `char`, `byte`, `word`, `gpt2` if equivalent, else `bpe`. @throws
 * {UserError} `data` for an invalid file.
 */
export function specOfTokenizerJson(value: unknown): TokenizerSpec {
  const json = readTokenizerJson(value);
  const wanted = canonical(canonicalTokenizer(json));
  const same = candidates(json).find((spec) => canonicalOf(spec) === wanted);
  return same ?? { kind: "bpe", tokenizer: value as Record<string, unknown> };
}

/** Canonical form of our own tokenizer; undefined for an invalid spec. */
function canonicalOf(spec: TokenizerSpec): string | undefined {
  try {
    const files = toHuggingFace(tokenizerFrom(spec));
    return canonical(canonicalTokenizer(readTokenizerJson(files["tokenizer.json"])));
  } catch (error) {
    if (error instanceof UserError) return undefined;
    throw error;
  }
}

/** Candidate specs by size and kind. */
function candidates(json: TokenizerJson): TokenizerSpec[] {
  const end = json.added_tokens.some(({ content }) => content === END_TEXT) &&
    { end: true as const };
  const size = vocabularySizeOf(json);
  if (json.model.type === "WordLevel") {
    const tokens = vocabOf(json).toSorted(([, a], [, b]) => a - b).map(([token]) => token);
    const chars = tokens.every((token) => Array.from(token).length === 1);
    return chars
      ? [{ kind: "char", chars: tokens.join(""), ...end }]
      : [{ kind: "word", words: tokens.slice(SPECIAL) }];
  }
  if (size === SIZE) return [{ kind: "gpt2" }];
  return size === (end ? 257 : 256) ? [{ kind: "byte", ...end }] : [];
}
