/** A request with nothing left open. Knows which files there are, not what is in them. */
import { keepingBusy } from "../base/busy.ts";
import { sha256 } from "../base/hash.ts";
import { UserError } from "../base/user_error.ts";
import { shown, unescaped } from "../data/document_end.ts";
import type { PrepareOptions } from "../data/prepared/schema.ts";
import { type TokenizerBuilder, tokenizerBuilder } from "../data/tokenizers/build.ts";
import { readTokenizerFile } from "../data/read.ts";
import type { Input } from "./inputs.ts";
import { FIELD } from "./pieces.ts";

/** What is to be prepared. */
export interface PrepareRequest {
  /** Files, folders and patterns. */
  readonly names: readonly string[];
  readonly out: string;
  /** As `tokenizerBuilder` takes it. */
  readonly tokenizer: string;
  /** Fraction that is kept for validation, in [0, 1). */
  readonly validation: number;
  /** Key of the text in each JSON record; undefined for "text", and where there are no records. */
  readonly field?: string | undefined;
  /** Whether documents end with a token; undefined leaves it to the tokenizer and the files. */
  readonly ends?: boolean | undefined;
  /** What stands between the documents of a text file; undefined where each file is one. */
  readonly documentEnd?: string | undefined;
  /** Largest share of unknown tokens; undefined for MAX_UNKNOWN. */
  readonly maxUnknown?: number | undefined;
  /** Tokens of a shard, about; undefined for 128 MiB. */
  readonly shardTokens?: number | undefined;
}

/** Tokens of a shard where nothing else is asked for: 128 MiB, two bytes each. */
const SHARD_TOKENS = 2 ** 26;

/**
 * A request with nothing left open, and the builder of its tokenizer. @throws {UserError} `config` for
 * an option that no input has a use for.
 */
export async function settle(
  request: PrepareRequest,
  inputs: readonly Input[],
): Promise<{ options: PrepareOptions; builder: TokenizerBuilder }> {
  const { tokenizer, validation, field = FIELD } = request;
  const documentEnd = request.documentEnd === undefined ? null : unescaped(request.documentEnd);
  const hasRecords = inputs.some(({ kind }) => kind !== "text");
  if (request.field !== undefined && !hasRecords) {
    const list = inputs.slice(0, 3).map(({ name }) => name).join(", ");
    throw new UserError(
      "config",
      `Cannot take --field=${field}: need JSON records (.jsonl, .ndjson or .json): ${list} has none`,
    );
  }
  if (documentEnd !== null && !inputs.some(({ kind }) => kind === "text")) {
    throw new UserError(
      "config",
      `Cannot cut documents at ${shown(documentEnd)} (--document-end): need a text file: ` +
        "each record of JSON is a document",
    );
  }
  const many = documentEnd !== null || hasRecords;
  const plain = tokenizer === "char" || tokenizer === "byte";
  const ends = request.ends ?? (many || !plain);
  const file = /\.json$/i.test(tokenizer) ? await readTokenizerFile(tokenizer) : undefined;
  const builder = await keepingBusy(() =>
    tokenizerBuilder(tokenizer, { end: ends, json: file?.json })
  );
  const shardTokens = request.shardTokens ?? SHARD_TOKENS;
  const tokenizerFile = file === undefined ? null : sha256(file.bytes);
  return {
    options: { tokenizer, tokenizerFile, validation, field, ends, documentEnd, shardTokens },
    builder,
  };
}
