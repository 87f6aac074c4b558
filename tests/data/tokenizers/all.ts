/** One tokenizer of each kind, made from the same text. */
import { tokenizerBuilder } from "../../../src/data/tokenizers/build.ts";
import type { Tokenizer } from "../../../src/data/tokenizers/types.ts";
import { randomText } from "./random_text.ts";

/** Random texts, all of whose characters the tokenizers know. */
export const TEXTS: readonly string[] = Array.from(
  { length: 150 },
  (_, seed) => randomText(seed, 1 + seed % 90),
);

/** Names of all kinds. */
export const NAMES = ["char", "byte", "word", "word:60", "gpt2", "bpe:400"] as const;

/** The tokenizer of a name, made from {@linkcode TEXTS}. */
export function tokenizerOf(name: string, { end = true }: { end?: boolean } = {}): Tokenizer {
  const builder = tokenizerBuilder(name, { end });
  if (builder.needsText) { for (const text of TEXTS) builder.add(text); }
  return builder.build();
}
