/** Encodes a text in memory, with notices for the user. */
import { runBlocking } from "../base/blocking.ts";
import { UserError } from "../base/user_error.ts";
import { encodeDocuments } from "../data/encode_documents.ts";
import { noEnds, shown } from "../data/document_end.ts";
import type { DocumentStarts } from "../data/text.ts";
import type { Tokenizer } from "../data/tokenizers/types.ts";
import { lossNote } from "../data/tokenizers/user/held.ts";
import { countUnknown, requireKnown, unknownNote } from "../data/unknown.ts";

/** How to encode a text. */
export interface TextReading {
  /** Name for errors. */
  readonly name: string;
  readonly tokenizer: Tokenizer;
  /** Document separator; null: no document boundaries. */
  readonly end: string | null;
  /** Maximum fraction of unknown tokens, and the option that sets it. */
  readonly most: number;
  readonly option: string;
}

/** Tokens of a text. */
export interface TextTokens {
  readonly tokens: Uint32Array;
  /** Positions of document starts; undefined without boundaries. */
  readonly begins: Uint32Array | undefined;
  readonly notes: readonly string[];
}

/**
 * Encodes a text. @throws {UserError} `data` for characters without a token, or too many unknown
 * tokens.
 */
export async function tokensOfText(text: string, reading: TextReading): Promise<TextTokens> {
  const { name, tokenizer, end, most, option } = reading;
  const { tokens, begins } = await runBlocking(() => encoded(text, reading));
  const unknown = { unknown: countUnknown(tokens, tokenizer), tokens: tokens.length };
  requireKnown(name, { ...unknown, most, option });
  const notes: string[] = [];
  if (end !== null && begins !== undefined) {
    const count = begins.length === 1 ? "1 document" : `${begins.length} documents`;
    notes.push(`${shown(end)} ends ${count} of ${name}`);
  }
  const loss = tokenizer.kind === "user" ? lossNote(tokenizer, text) : undefined;
  for (const note of [unknownNote(name, unknown), loss]) if (note !== undefined) notes.push(note);
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

/** @throws {UserError} `data` when the separator does not occur. */
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

/** Splits document starts at token `length` into training and validation. */
export function splitStarts(begins: Uint32Array, length: number): DocumentStarts {
  return {
    train: begins.filter((place) => place <= length),
    validation: begins.filter((place) => place > length).map((place) => place - length),
  };
}
