/**
 * Where a text may be cut for a tokenizer of another make. Only what is known to look at no more
 * than a piece between spaces is cut; for the rest the answer is nowhere.
 */
import type { TokenizerJson } from "../schema.ts";

/** Normalizers that change no character for the sake of another beyond a space. */
const LOCAL_NORMALIZERS = [
  "NFC",
  "NFD",
  "NFKC",
  "NFKD",
  "Lowercase",
  "BertNormalizer",
  "StripAccents",
];

/** Pre-tokenizers that always cut between a letter and the space behind it. */
const CUTTING = ["Whitespace", "WhitespaceSplit", "BertPreTokenizer"];

/**
 * Patterns of well-known models. None takes a letter or digit and a space together, and the engine
 * never goes back further than over the run of characters that it is in.
 */
export const PATTERNS: readonly string[] = [
  // Llama 3, and the GPT-4 that it follows.
  "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
  // Qwen 2.
  "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
];

const SPACE = 0x20;

/** The `cut` of such a tokenizer. */
export function cutterOf(json: TokenizerJson): (text: string) => number {
  return isLocal(json) ? cutBeforeSpace : () => 0;
}

/** Largest place below the length between a letter or digit of ASCII and a space. */
function cutBeforeSpace(text: string): number {
  for (let i = text.length - 1; i > 0; i--) {
    if (text.charCodeAt(i) === SPACE && /[A-Za-z0-9]/.test(text[i - 1] ?? "")) return i;
  }
  return 0;
}

function isLocal({ added_tokens, normalizer, pre_tokenizer }: TokenizerJson): boolean {
  // A token that is looked for in the text may reach over any place.
  if (added_tokens.some(({ special }) => !special)) return false;
  return partsOf(normalizer, "normalizers").every(({ type }) => LOCAL_NORMALIZERS.includes(type)) &&
    partsOf(pre_tokenizer, "pretokenizers").some(cutsBeforeSpace);
}

type Part = NonNullable<TokenizerJson["pre_tokenizer"]>;

/** The parts of a sequence; a part alone is one of one. */
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
