/** Text that goes on where other text stops: a space between two words is the second word's. */
import type { Tokenizer, TokenStream } from "./types.ts";

/** A stream whose first text stands behind that of the tokens `before`. */
export function streamBehind(
  tokenizer: Pick<Tokenizer, "stream">,
  before: Iterable<number>,
): TokenStream {
  const stream = tokenizer.stream();
  for (const id of before) stream.push(id);
  return stream;
}
