/**
 * Exports any tokenizer as files for Python's `transformers` and `tokenizers`, with the same ids.
 * One difference: they encode the end token's name in a text as that token unless called with
 * `split_special_tokens=True`. Fields as in `tokenizers` 0.23.
 */
import { UserError } from "../../base/user_error.ts";
import { endToken, writeByteLevel } from "./bpe/byte_level.ts";
import { END, gpt2Parts } from "./bpe/gpt2.ts";
import { tokenizerFrom } from "./mod.ts";
import { MASK_TOKEN } from "./special/special.ts";
import { endTokenOf, readTokenizerJson } from "./tokenizer_json.ts";
import type { Tokenizer } from "./types.ts";
import { END_TEXT } from "./types.ts";
import { WHITE_SPACES } from "./white_space.ts";
import { UNKNOWN } from "./word.ts";

/** Files by name, as plain values. */
export interface HuggingFaceFiles {
  readonly "tokenizer.json": Readonly<Record<string, unknown>>;
  readonly "tokenizer_config.json": Readonly<Record<string, unknown>>;
}

/** The files of a tokenizer. */
export function toHuggingFace(tokenizer: Tokenizer): HuggingFaceFiles {
  const spec = tokenizer.toJSON();
  switch (spec.kind) {
    case "char":
      return files(charJson(Array.from(spec.chars), spec.end === true), spec.end && END_TEXT);
    case "byte": {
      const tokens = Array.from({ length: 256 }, (_, byte) => Uint8Array.of(byte));
      const end = spec.end === true;
      return files(writeByteLevel({ tokens, pairs: [] }, { end }), spec.end && END_TEXT);
    }
    case "word":
      return files(wordJson(spec.words), undefined);
    case "gpt2": {
      const { tokens, pairs } = gpt2Parts();
      const json = writeByteLevel({ tokens: tokens.slice(0, END), pairs }, { end: true });
      return files(json, END_TEXT);
    }
    case "bpe":
      return files(spec.tokenizer, endTokenOf(readTokenizerJson(spec.tokenizer))?.content);
    case "special":
      return withAdded(toHuggingFace(tokenizerFrom(spec.base)), {
        first: tokenizer.size - spec.tokens.length,
        tokens: spec.tokens,
      });
    case "sides":
      throw new UserError(
        "config",
        "Cannot export the tokenizer: need one for both sides of pairs: each side has its own",
      );
    case "user":
      throw new UserError(
        "config",
        "Cannot export the tokenizer: need one of Shoal's own: it is of a module of the user",
      );
  }
}

/** The files with more special tokens, behind the ids of all others. */
function withAdded(
  { "tokenizer.json": json, "tokenizer_config.json": config }: HuggingFaceFiles,
  { first, tokens }: { readonly first: number; readonly tokens: readonly string[] },
): HuggingFaceFiles {
  const { added_tokens: known = [] } = json as { added_tokens?: readonly unknown[] };
  const added = tokens.map((content, i) => ({ ...endToken(first + i), content }));
  return {
    "tokenizer.json": { ...json, added_tokens: [...known, ...added] },
    "tokenizer_config.json": {
      ...config,
      ...tokens.includes(MASK_TOKEN) && { mask_token: MASK_TOKEN },
    },
  };
}

function files(json: Record<string, unknown>, end: string | undefined): HuggingFaceFiles {
  return {
    "tokenizer.json": json,
    "tokenizer_config.json": {
      tokenizer_class: "PreTrainedTokenizerFast",
      clean_up_tokenization_spaces: false,
      ...end !== undefined && { bos_token: end, eos_token: end },
    },
  };
}

/** One token per character. Python raises an error for others. */
function charJson(chars: readonly string[], end: boolean): Record<string, unknown> {
  return jsonOf({
    added_tokens: end ? [endToken(chars.length)] : [],
    pre_tokenizer: split({ Regex: "[\\s\\S]" }, "Isolated"),
    decoder: { type: "Fuse" },
    // No character has this name.
    model: wordLevel(chars, UNKNOWN),
  });
}

/**
 * Words between white space. The line end is named "
 * ", not `<eos>`: `<eos>` in a text is an unknown word.
 */
function wordJson(words: readonly string[]): Record<string, unknown> {
  const blanks = WHITE_SPACES.filter((space) => space !== "\n").join("");
  return jsonOf({
    added_tokens: [],
    pre_tokenizer: {
      type: "Sequence",
      pretokenizers: [
        split({ Regex: `[${blanks}]+` }, "Removed"),
        split({ String: "\n" }, "Isolated"),
      ],
    },
    decoder: {
      type: "Sequence",
      decoders: [
        // Joins tokens with spaces: no word begins with the prefix " ".
        { type: "WordPiece", prefix: " ", cleanup: false },
        { type: "Fuse" },
        { type: "Replace", pattern: { String: " \n" }, content: "\n" },
        { type: "Replace", pattern: { String: "\n " }, content: "\n" },
      ],
    },
    model: wordLevel([UNKNOWN, "\n", ...words], UNKNOWN),
  });
}

function jsonOf(parts: Record<string, unknown>): Record<string, unknown> {
  return {
    version: "1.0",
    truncation: null,
    padding: null,
    normalizer: null,
    post_processor: null,
    ...parts,
  };
}

function wordLevel(tokens: readonly string[], unknown: string): Record<string, unknown> {
  return {
    type: "WordLevel",
    vocab: Object.fromEntries(tokens.map((token, id) => [token, id])),
    unk_token: unknown,
  };
}

function split(pattern: Record<string, string>, behavior: string): Record<string, unknown> {
  return { type: "Split", pattern, behavior, invert: false };
}
