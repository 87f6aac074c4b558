/** Reduces a tokenizer.json to a canonical form for hashing and comparison. */
import { isByteLevel, pairOf } from "./bpe/byte_level.ts";
import type { TokenizerJson } from "./schema.ts";
import { vocabOf } from "./tokenizer_json.ts";

/**
 * A plain value that is equal for equivalent tokenizers: without optional or redundant fields, and
 * without post-processing, truncation and padding.
 */
export function canonicalTokenizer(json: TokenizerJson): unknown {
  const { model, added_tokens } = json;
  const merges = model.merges?.map(pairOf);
  if (!isByteLevel(json)) {
    const { version: _v, truncation: _t, padding: _p, post_processor: _s, ...rest } = json;
    return { ...rest, model: { ...model, merges } };
  }
  const special = new Map(added_tokens.map(({ content, id }) => [content, id]));
  const vocab = vocabOf(json).filter(([token]) => !special.has(token));
  return {
    vocab: Object.fromEntries(vocab),
    merges,
    special: Object.fromEntries(special),
  };
}
