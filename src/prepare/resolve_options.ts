/** Resolves the defaults of a request. */
import { runBlocking } from "../base/blocking.ts";
import { sha256 } from "../base/hash.ts";
import { UserError } from "../base/user_error.ts";
import { shown, unescaped } from "../data/document_end.ts";
import type { PrepareOptions } from "../data/prepared/schema.ts";
import { type TokenizerBuilder, tokenizerBuilder } from "../data/tokenizers/build.ts";
import { readTokenizerFile } from "../data/read.ts";
import type { Input } from "./inputs.ts";
import { FIELD } from "./pieces.ts";

/** A request to prepare files. */
export interface PrepareRequest {
  /** Files, folders and patterns. */
  readonly names: readonly string[];
  readonly out: string;
  /** Name for `tokenizerBuilder`. */
  readonly tokenizer: string;
  /** Validation fraction, in [0, 1). */
  readonly validation: number;
  /** Key of the text in each JSON record; default: "text". */
  readonly field?: string | undefined;
  /** Whether to add end-of-document tokens; default: by tokenizer and files. */
  readonly ends?: boolean | undefined;
  /** Document separator of text files; default: each file is one document. */
  readonly documentEnd?: string | undefined;
  /** Maximum fraction of unknown tokens; default: MAX_UNKNOWN. */
  readonly maxUnknown?: number | undefined;
  /** Approximate tokens per shard; default: 128 MiB. */
  readonly shardTokens?: number | undefined;
}

/** Default tokens per shard: 128 MiB at two bytes each. */
const SHARD_TOKENS = 2 ** 26;

/**
 * The complete options of a request, and its tokenizer builder. @throws {UserError} `config` for an
 * option that applies to no input.
 */
export async function resolveOptions(
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
  const builder = await runBlocking(() =>
    tokenizerBuilder(tokenizer, { end: ends, json: file?.json })
  );
  const shardTokens = request.shardTokens ?? SHARD_TOKENS;
  const tokenizerFile = file === undefined ? null : sha256(file.bytes);
  return {
    options: { tokenizer, tokenizerFile, validation, field, ends, documentEnd, shardTokens },
    builder,
  };
}
