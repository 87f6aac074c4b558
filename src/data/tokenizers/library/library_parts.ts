/** What a tokenizer.json says otherwise than the library reads it. Encodes nothing. */
import { bytesOfPrintable } from "../printable.ts";
import type { TokenizerJson } from "../schema.ts";
import { vocabOf } from "../tokenizer_json.ts";

/** The token of a byte, where byte fallback is on. */
const BYTE = /^<0x[0-9A-F]{2}>$/;

/**
 * Tokens that no text gives. Some programs register the tokens of bytes as special as well, so that
 * none is cut apart; but those stand for text.
 */
export function specialOf(
  { added_tokens, model, pre_tokenizer }: TokenizerJson,
): TokenizerJson["added_tokens"] {
  const fallback = model["byte_fallback"] === true;
  const level = partsOf(pre_tokenizer).some(({ type }) => type === "ByteLevel");
  const isByte = (content: string) =>
    fallback && BYTE.test(content) || level && bytesOfPrintable(content)?.length === 1;
  return added_tokens.filter(({ special, content }) => special && !isByte(content));
}

function partsOf(part: Part | null | undefined): readonly Part[] {
  if (!part) return [];
  return part.type === "Sequence" ? (part["pretokenizers"] as Part[]).flatMap(partsOf) : [part];
}

/**
 * The tokens of the 256 bytes, where unknown text becomes them and the library does not do it: in
 * Unigram; undefined elsewhere.
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

/** What a word is made of where Rust's `\w` says so; JavaScript's knows ASCII alone. */
const WORD = "\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}\\p{Join_Control}";

/** A pre-tokenizer that the library carries out as Python's does. */
export function faithful(part: Part): Part {
  if (part.type === "Sequence" && Array.isArray(part["pretokenizers"])) {
    return { ...part, pretokenizers: (part["pretokenizers"] as Part[]).map(faithful) };
  }
  if (part.type !== "Whitespace") return part;
  const pattern = { Regex: `[${WORD}]+|[^\\p{White_Space}${WORD}]+` };
  return { type: "Split", pattern, behavior: "Removed", invert: true };
}
