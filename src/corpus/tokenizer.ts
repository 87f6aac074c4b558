/** The tokenizer that a config asks for by name, and whether the one that there is can be it. */
import { extname } from "node:path";
import { keepingBusy } from "../base/busy.ts";
import { UserError } from "../base/user_error.ts";
import { documentsOf } from "../data/cut_documents.ts";
import { isEndToken } from "../data/document_end.ts";
import { readTokenizerFile } from "../data/read.ts";
import { type TokenizerBuilder, tokenizerBuilder } from "../data/tokenizers/build.ts";
import { tokenizerHash } from "../data/tokenizers/mod.ts";
import type { Tokenizer } from "../data/tokenizers/types.ts";

/** A tokenizer that is there already. */
interface Present {
  /** Who has it, as an error names it: a folder, a model. */
  readonly by: string;
  readonly hash: string;
  /** The name that it was made by, where that is known. */
  readonly name?: string;
}

/**
 * The tokenizer of a name, made of a text where it needs one; `ends`: what ends its documents.
 * @throws {UserError}
 */
export async function tokenizerNamed(
  name: string,
  text: string,
  ends: string | null,
): Promise<Tokenizer> {
  const end = ends !== null && isEndToken(ends);
  const builder = await builderOf(name, { end });
  return await keepingBusy(() => {
    for (const document of ends === null ? [text] : documentsOf(text, ends)) {
      builder.add(document);
      builder.endDocument();
    }
    // The end's own text becomes tokens unless a token stands for it.
    if (ends !== null && !end) builder.add(ends);
    return builder.build();
  });
}

/**
 * Holds what is there to what is asked for: the same name, or the same tokenizer. One that would be
 * learnt from a text is not what is there.
 * @throws {UserError} `incompatible`, with both hashes where the other has one before any text is read.
 */
export async function requireAsked(asked: string, { by, hash, name }: Present): Promise<void> {
  // A file of that name may have changed since.
  if (asked === name && extname(asked) !== ".json") return;
  const builder = await builderOf(asked);
  const other = builder.needsText ? undefined : tokenizerHash(builder.build());
  if (other === hash) return;
  const found = other === undefined ? "and none is learnt beside it" : `and that one's ${other}`;
  throw new UserError(
    "incompatible",
    `Cannot take the tokenizer ${asked} (data.tokenizer): ${by} has its own: its SHA-256 is ` +
      `${hash}, ${found}; leave data.tokenizer away`,
  );
}

async function builderOf(name: string, { end = false } = {}): Promise<TokenizerBuilder> {
  const file = extname(name) === ".json" ? await readTokenizerFile(name) : undefined;
  return await keepingBusy(() => tokenizerBuilder(name, { end, json: file?.json }));
}
