/** Corrects differences between the JavaScript library and Python's reading of a tokenizer.json. */
import { unicodeToBytes } from "../byte_unicode.ts";
import type { TokenizerJson } from "../schema.ts";
import { vocabOf } from "../tokenizer_json.ts";

/** A byte-fallback token. */
const BYTE = /^<0x[0-9A-F]{2}>$/;

/**
 * Special tokens, which encoding never produces. Byte tokens that a file also lists as special are
 * excluded: they stand for text.
 */
export function specialOf(
  { added_tokens, model, pre_tokenizer }: TokenizerJson,
): TokenizerJson["added_tokens"] {
  const fallback = model["byte_fallback"] === true;
  const level = partsOf(pre_tokenizer).some(({ type }) => type === "ByteLevel");
  const isByte = (content: string) =>
    fallback && BYTE.test(content) || level && unicodeToBytes(content)?.length === 1;
  return added_tokens.filter(({ special, content }) => special && !isByte(content));
}

function partsOf(part: Part | null | undefined): readonly Part[] {
  if (!part) return [];
  return part.type === "Sequence" ? (part["pretokenizers"] as Part[]).flatMap(partsOf) : [part];
}

/**
 * Byte-fallback tokens of the 256 bytes for Unigram, where the library lacks byte fallback;
 * undefined for other models.
 */
export function fallbackBytes(json: TokenizerJson): Uint32Array | undefined {
  const { model } = json;
  if (model.type !== "Unigram" || model["byte_fallback"] !== true) return undefined;
  const ids = new Map(vocabOf(json));
  const bytes = Array.from(
    { length: 256 },
    (_, byte) => ids.get(`<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`),
  );
  return bytes.includes(undefined) ? undefined : Uint32Array.from(bytes as number[]);
}

type Part = NonNullable<TokenizerJson["pre_tokenizer"]>;

/** Rust's `\w`; JavaScript's matches ASCII only. */
const WORD = "\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}\\p{Join_Control}";

/** Rewrites a Whitespace pre-tokenizer so that the library splits as Python does. */
export function withRustWords(part: Part): Part {
  if (part.type === "Sequence" && Array.isArray(part["pretokenizers"])) {
    return { ...part, pretokenizers: (part["pretokenizers"] as Part[]).map(withRustWords) };
  }
  if (part.type !== "Whitespace") return part;
  const pattern = { Regex: `[${WORD}]+|[^\\p{White_Space}${WORD}]+` };
  return { type: "Split", pattern, behavior: "Removed", invert: true };
}
