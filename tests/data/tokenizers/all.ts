/** One tokenizer of each kind, made from the same text. */
import { tokenizerBuilder } from "../../../src/data/tokenizers/build.ts";
import { MASK_TOKEN, withSpecialTokens } from "../../../src/data/tokenizers/special/special.ts";
import type { Tokenizer } from "../../../src/data/tokenizers/types.ts";
import { randomText } from "./random_text.ts";

/** Random texts, all of whose characters the tokenizers know. */
export const TEXTS: readonly string[] = Array.from(
  { length: 150 },
  (_, seed) => randomText(seed, 1 + seed % 90),
);

/** Names of all kinds. */
export const NAMES = ["char", "byte", "word", "word:60", "gpt2", "bpe:400"] as const;

/** What follows the name of a tokenizer with an added token. */
const MASKED = " with [MASK]";

/** Names of all kinds, and of those to which a token was added. */
export const ALL_NAMES = [...NAMES, ...["char", "word", "bpe:400"].map((name) => name + MASKED)];

/** The tokenizer of a name, made from {@linkcode TEXTS}. */
export function tokenizerOf(name: string, { end = true }: { end?: boolean } = {}): Tokenizer {
  if (name.endsWith(MASKED)) {
    return withSpecialTokens(tokenizerOf(name.slice(0, -MASKED.length), { end }), [MASK_TOKEN]);
  }
  const builder = tokenizerBuilder(name, { end });
  if (builder.needsText) { for (const text of TEXTS) builder.add(text); }
  return builder.build();
}
