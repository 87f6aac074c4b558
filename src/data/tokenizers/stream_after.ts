/**
 * Decodes tokens that continue earlier ones: the decoder's state decides on a space before a word.
 */
import type { Tokenizer, TokenStream } from "./types.ts";

/** A decoding stream whose state is that after the tokens `before`. */
export function streamAfter(
  tokenizer: Pick<Tokenizer, "stream">,
  before: Iterable<number>,
): TokenStream {
  const stream = tokenizer.stream();
  for (const id of before) stream.push(id);
  return stream;
}
