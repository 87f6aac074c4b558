/**
 * Encodes a text document by document. Documents and separators are encoded separately, so that no
 * token spans a document boundary and the boundaries are exact.
 */
import { UserError } from "../base/user_error.ts";
import { isEndToken } from "./document_end.ts";
import type { Tokenizer } from "./tokenizers/types.ts";

/** Splits a text at each `end`; the last document may be empty. */
export function* documentsOf(text: string, end: string): Generator<string> {
  let from = 0;
  for (let to; (to = text.indexOf(end, from)) >= 0; from = to + end.length) {
    yield text.slice(from, to);
  }
  yield text.slice(from);
}

/** Tokens, and the document boundaries among them. */
export interface CutTokens {
  readonly tokens: Uint32Array;
  /** Positions after each document end, ascending; may include the length of the tokens. */
  readonly begins: Uint32Array;
}

/**
 * Encodes a text whose documents end with `end`: <|endoftext|> becomes the tokenizer's end token.
 */
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

/** Finds end tokens that encoding produces: the word tokenizer emits one per line end. */
function endedByToken(tokens: Uint32Array, end: number): CutTokens {
  const begins = new Row();
  tokens.forEach((token, i) => token === end && begins.add(Uint32Array.of(i + 1)));
  return { tokens, begins: begins.all() };
}

/** Removes duplicates: the word tokenizer encodes a white-space separator to no token. */
function distinct(places: Uint32Array): Uint32Array {
  return places.filter((place, i) => place > 0 && place !== places[i - 1]);
}

/** A growable Uint32Array. */
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
