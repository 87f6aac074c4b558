/** What of a tokenizer.json decides about ids and texts, however a program wrote the file. */
import { isByteLevel, pairOf } from "./bpe/byte_level.ts";
import type { TokenizerJson } from "./schema.ts";
import { vocabOf } from "./tokenizer_json.ts";

/**
 * A plain value that is equal for equal tokenizers: without what programs leave out, write in two
 * ways, or use only to put tokens around a text or to cut it off.
 */
export function essence(json: TokenizerJson): unknown {
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
