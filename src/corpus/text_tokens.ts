/** The tokens of a text in memory, and what people should know of them. */
import { keepingBusy } from "../base/busy.ts";
import { UserError } from "../base/user_error.ts";
import { encodeDocuments } from "../data/cut_documents.ts";
import { noEnds, shown } from "../data/document_end.ts";
import type { Begins } from "../data/text.ts";
import type { Tokenizer } from "../data/tokenizers/types.ts";
import { countUnknown, requireKnown, unknownNote } from "../data/unknown.ts";

/** How a text becomes tokens. */
export interface TextReading {
  /** As errors name it. */
  readonly name: string;
  readonly tokenizer: Tokenizer;
  /** What ends documents; null where they are not told apart. */
  readonly end: string | null;
  /** Largest share of unknown tokens, and the option that says so. */
  readonly most: number;
  readonly option: string;
}

/** Tokens of a text. */
export interface TextTokens {
  readonly tokens: Uint32Array;
  /** Where documents begin, where they are told apart. */
  readonly begins: Uint32Array | undefined;
  readonly notes: readonly string[];
}

/** Encodes a text. @throws {UserError} `data` for characters that have no token, or too many of them. */
export async function tokensOfText(text: string, reading: TextReading): Promise<TextTokens> {
  const { name, tokenizer, end, most, option } = reading;
  const { tokens, begins } = await keepingBusy(() => encoded(text, reading));
  const unknown = { unknown: countUnknown(tokens, tokenizer), tokens: tokens.length };
  requireKnown(name, { ...unknown, most, option });
  const notes: string[] = [];
  if (end !== null && begins !== undefined) {
    const count = begins.length === 1 ? "1 document" : `${begins.length} documents`;
    notes.push(`${shown(end)} ends ${count} of ${name}`);
  }
  const note = unknownNote(name, unknown);
  if (note !== undefined) notes.push(note);
  return { tokens, begins, notes };
}

function encoded(
  text: string,
  { name, tokenizer, end }: TextReading,
): Pick<TextTokens, "tokens"> & { readonly begins?: Uint32Array } {
  try {
    return end === null
      ? { tokens: tokenizer.encode(text) }
      : encodeDocuments(text, { end, tokenizer });
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    throw new UserError(error.exit, `Cannot read ${name}: ${error.message}`);
  }
}

/** @throws {UserError} `data` for a text in which no document ends. */
export function requireEnds(
  text: string,
  { name, end, begins }: {
    name: string;
    end: string | null;
    begins: ArrayLike<number> | undefined;
  },
): void {
  if (end === null || begins === undefined || begins.length > 0) return;
  throw noEnds(name, { end, option: "data.document_end", text });
}

/** Places at which documents begin in the first `length` tokens, and in those behind. */
export function splitBegins(begins: Uint32Array, length: number): Begins {
  return {
    train: begins.filter((place) => place <= length),
    validation: begins.filter((place) => place > length).map((place) => place - length),
  };
}
