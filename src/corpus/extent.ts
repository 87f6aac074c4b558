/** Characters and bytes of text that evaluation targets decode to, for bits per byte. */
import type { Tokens } from "../data/tokens.ts";
import type { Tokenizer } from "../data/tokenizers/types.ts";
import { countUnknown } from "../data/unknown.ts";

/** A text's length. */
export interface TextExtent {
  readonly characters: number;
  /** Of its UTF-8 form. */
  readonly bytes: number;
}

/** Tokens decoded per chunk. */
const CHUNK = 2 ** 16;

/**
 * Extent of all tokens but the first, which is no target; undefined if a token is unknown, because
 * its text length is unknown.
 */
export function targetExtent(tokens: Tokens, tokenizer: Tokenizer): TextExtent | undefined {
  const all = extentOf(tokens, tokenizer, tokens.length);
  const first = extentOf(tokens, tokenizer, Math.min(1, tokens.length));
  if (all === undefined || first === undefined) return undefined;
  return { characters: all.characters - first.characters, bytes: all.bytes - first.bytes };
}

/** Extent of the first `length` tokens. */
function extentOf(tokens: Tokens, tokenizer: Tokenizer, length: number): TextExtent | undefined {
  const stream = tokenizer.stream();
  const encoder = new TextEncoder();
  let [characters, bytes] = [0, 0];
  const count = (text: string): void => {
    bytes += encoder.encode(text).length;
    for (const _ of text) characters++;
  };
  for (let start = 0; start < length; start += CHUNK) {
    const chunk = new Uint32Array(Math.min(CHUNK, length - start));
    tokens.read(start, chunk);
    if (countUnknown(chunk, tokenizer) > 0) return undefined;
    let text = "";
    for (const id of chunk) text += stream.push(id);
    count(text);
  }
  count(stream.flush());
  return { characters, bytes };
}
