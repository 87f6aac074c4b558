/**
 * A text to tokens, document by document: each document and each end is encoded apart, so that no
 * token reaches over an end, and where documents begin is known exactly.
 */
import { UserError } from "../base/user_error.ts";
import { isEndToken } from "./document_end.ts";
import type { Tokenizer } from "./tokenizers/types.ts";

/** The documents of a text, each without its `end`; the last has none and may be empty. */
export function* documentsOf(text: string, end: string): Generator<string> {
  let from = 0;
  for (let to; (to = text.indexOf(end, from)) >= 0; from = to + end.length) {
    yield text.slice(from, to);
  }
  yield text.slice(from);
}

/** Tokens, and the places behind the ends of documents. */
export interface CutTokens {
  readonly tokens: Uint32Array;
  /** In rising order; one at the very end of the tokens is among them. */
  readonly begins: Uint32Array;
}

/** The text that an end becomes tokens of; the tokenizer's own end token where it is named. */
export function encodeDocuments(
  text: string,
  { end, tokenizer }: { readonly end: string; readonly tokenizer: Tokenizer },
): CutTokens {
  const own = isEndToken(end) ? tokenizer.end : undefined;
  if (own !== undefined && !text.includes(end)) return endedByToken(tokenizer.encode(text), own);
  const tokens = new Row();
  const begins = new Row();
  const between = own === undefined ? tokenizer.encode(end) : Uint32Array.of(own);
  let count = 0;
  for (const document of documentsOf(text, end)) {
    if (count > 0) {
      tokens.add(between);
      begins.add(Uint32Array.of(tokens.length));
    }
    count++;
    tokens.add(encoded(document, { tokenizer, count }));
  }
  return { tokens: tokens.all(), begins: distinct(begins.all()) };
}

function encoded(
  document: string,
  { tokenizer, count }: { tokenizer: Tokenizer; count: number },
): Uint32Array {
  try {
    return tokenizer.encode(document);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    throw new UserError(error.exit, `${error.message} of document ${count}`);
  }
}

/** Of words alone a text gives the end token: at each line's end. */
function endedByToken(tokens: Uint32Array, end: number): CutTokens {
  const begins = new Row();
  tokens.forEach((token, i) => token === end && begins.add(Uint32Array.of(i + 1)));
  return { tokens, begins: begins.all() };
}

/** Places without those that come twice: an end of white space is no token of words. */
function distinct(places: Uint32Array): Uint32Array {
  return places.filter((place, i) => place > 0 && place !== places[i - 1]);
}

/** Numbers in a row that grows. */
class Row {
  #numbers = new Uint32Array(1024);
  length = 0;

  add(numbers: Uint32Array): void {
    const length = this.length + numbers.length;
    if (length > this.#numbers.length) {
      const more = new Uint32Array(Math.max(length, 2 * this.#numbers.length));
      more.set(this.#numbers);
      this.#numbers = more;
    }
    this.#numbers.set(numbers, this.length);
    this.length = length;
  }

  all(): Uint32Array {
    return this.#numbers.slice(0, this.length);
  }
}
