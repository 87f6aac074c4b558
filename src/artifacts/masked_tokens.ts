/** Encodes a text in which some tokens are hidden. Pure. */
import { MASK_TOKEN } from "../data/tokenizers/special/special.ts";
import type { Tokenizer } from "../data/tokenizers/types.ts";

/** Tokens that surround a text where the tokenizer has both, as in BERT's training. */
const SURROUNDING = ["[CLS]", "[SEP]"] as const;

/** Tokens of a text with {@linkcode MASK_TOKEN}s, and the places of these. */
export function maskedTokens(
  text: string,
  { tokenizer, mask }: { readonly tokenizer: Tokenizer; readonly mask: number },
): { readonly tokens: Uint32Array; readonly hidden: readonly number[] } {
  const [before, behind] = SURROUNDING.map((name) => tokenizer.special?.(name));
  const isSurrounded = before !== undefined && behind !== undefined;
  const ids: number[] = isSurrounded ? [before] : [];
  const hidden: number[] = [];
  for (const [i, part] of text.split(MASK_TOKEN).entries()) {
    if (i > 0) {
      hidden.push(ids.length);
      ids.push(mask);
    }
    for (const id of tokenizer.encode(part)) ids.push(id);
  }
  return { tokens: Uint32Array.from(isSurrounded ? [...ids, behind] : ids), hidden };
}
