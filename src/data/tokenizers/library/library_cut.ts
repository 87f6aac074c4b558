/**
 * Safe split points of library tokenizers. Only tokenizers known to work within words are split;
 * for others there is none.
 */
import type { TokenizerJson } from "../schema.ts";

/** Normalizers without context across a space. */
const LOCAL_NORMALIZERS = [
  "NFC",
  "NFD",
  "NFKC",
  "NFKD",
  "Lowercase",
  "BertNormalizer",
  "StripAccents",
];

/** Pre-tokenizers that always split between a letter and the space after it. */
const CUTTING = ["Whitespace", "WhitespaceSplit", "BertPreTokenizer"];

/**
 * Patterns of well-known models. None matches a letter or digit followed by a space, and
 * backtracking stays within a run of characters.
 */
export const PATTERNS: readonly string[] = [
  // Llama 3, and the GPT-4 that it follows.
  "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
  // Qwen 2.
  "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
];

const SPACE = 0x20;

/** The `cut` of a library tokenizer. */
export function cutterOf(json: TokenizerJson): (text: string) => number {
  return isLocal(json) ? cutBeforeSpace : () => 0;
}

/** Largest offset below the length between an ASCII letter or digit and a space. */
function cutBeforeSpace(text: string): number {
  for (let i = text.length - 1; i > 0; i--) {
    if (text.charCodeAt(i) === SPACE && /[A-Za-z0-9]/.test(text[i - 1] ?? "")) return i;
  }
  return 0;
}

function isLocal({ added_tokens, normalizer, pre_tokenizer }: TokenizerJson): boolean {
  // A non-special added token may span any split.
  if (added_tokens.some(({ special }) => !special)) return false;
  return partsOf(normalizer, "normalizers").every(({ type }) => LOCAL_NORMALIZERS.includes(type)) &&
    partsOf(pre_tokenizer, "pretokenizers").some(cutsBeforeSpace);
}

type Part = NonNullable<TokenizerJson["pre_tokenizer"]>;

/** The parts of a Sequence, or the part itself. */
function partsOf(part: Part | null | undefined, key: string): readonly Part[] {
  if (!part) return [];
  return part.type === "Sequence" ? part[key] as readonly Part[] : [part];
}

function cutsBeforeSpace(part: Part): boolean {
  if (part.type === "Metaspace") return part["split"] !== false;
  if (part.type === "ByteLevel") return part["use_regex"] !== false;
  if (part.type === "Split") {
    const { Regex } = (part["pattern"] ?? {}) as { Regex?: string };
    return part["invert"] !== true && Regex !== undefined && PATTERNS.includes(Regex);
  }
  return CUTTING.includes(part.type);
}
