/** Builds the tokenizer that a config names, or verifies an existing one against that name. */
import { extname } from "node:path";
import { runBlocking } from "../base/blocking.ts";
import { UserError } from "../base/user_error.ts";
import { documentsOf } from "../data/encode_documents.ts";
import { isEndToken } from "../data/document_end.ts";
import { readTokenizerFile } from "../data/read.ts";
import { type TokenizerBuilder, tokenizerBuilder } from "../data/tokenizers/build.ts";
import { tokenizerHash } from "../data/tokenizers/mod.ts";
import type { Tokenizer } from "../data/tokenizers/types.ts";

/** An existing tokenizer. */
interface Present {
  /** Its owner in errors: a folder or a model. */
  readonly by: string;
  readonly hash: string;
  /** The name it was built from, if known. */
  readonly name?: string;
}

/**
 * Builds the named tokenizer, trained on `text` if needed; `ends`: the document separator.
 * @throws {UserError}
 */
export async function tokenizerNamed(
  name: string,
  text: string,
  ends: string | null,
): Promise<Tokenizer> {
  const end = ends !== null && isEndToken(ends);
  const builder = await builderOf(name, { end });
  return await runBlocking(() => {
    for (const document of ends === null ? [text] : documentsOf(text, ends)) {
      builder.add(document);
      builder.endDocument();
    }
    // Without an end token the separator is encoded as text, so train on it.
    if (ends !== null && !end) builder.add(ends);
    return builder.build();
  });
}

/**
 * Verifies that an existing tokenizer is the configured one, by name or by hash. A tokenizer that
 * must be trained on text never matches.
 * @throws {UserError} `incompatible`, with both hashes when the configured one needs no training.
 */
export async function requireTokenizer(asked: string, { by, hash, name }: Present): Promise<void> {
  // A tokenizer file may have changed since, so compare its hash.
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
  return await runBlocking(() => tokenizerBuilder(name, { end, json: file?.json }));
}
