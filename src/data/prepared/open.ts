/**
 * Opens a prepared folder: validates its index, tokenizer and shard headers, without reading
 * tokens.
 */
import { join } from "node:path";
import { UserError } from "../../base/user_error.ts";
import { tokenizerHash } from "../tokenizers/mod.ts";
import type { Tokenizer } from "../tokenizers/types.ts";
import { readIndex, TEXT_PARTS, TOKENIZER } from "./folder.ts";
import type { PreparedIndex, SplitIndex } from "./schema.ts";
import { preparedHash } from "./token_hash.ts";
import { readTokenizer } from "./tokenizer.ts";
import { openEach } from "./tokens.ts";

export { isPrepared } from "./folder.ts";

/** One side of the split. */
export interface PreparedSplit {
  readonly tokens: number;
  readonly documents: number;
  /** Code points of the encoded text. */
  readonly characters: number;
  /** Bytes of its UTF-8 form. */
  readonly bytes: number;
}

/** A prepared folder. */
export interface Prepared {
  readonly path: string;
  /** SHA-256 of tokens and split, independent of the folder's path and of shard sizes. */
  readonly hash: string;
  readonly tokenizer: Tokenizer;
  readonly tokenizerHash: string;
  /** The tokenizer option, as `word:10000`. */
  readonly tokenizerName: string;
  /** Document separator of its text files; null: each file was one document. */
  readonly documentEnd: string | null;
  /** Distinct tokens. */
  readonly vocabulary: number;
  /** Unknown tokens; undefined in folders of older versions. */
  readonly unknown: number | undefined;
  readonly train: PreparedSplit;
  readonly validation: PreparedSplit;
}

/**
 * Opens a prepared folder. Verifies headers, lengths and checksum tables of shards, but not blocks.
 * @throws {UserError} `noInput` when it is missing, `data` for one that is damaged.
 */
export function openPrepared(path: string): Prepared {
  const index = readIndex(path);
  const tokenizer = readTokenizer(path);
  checkTokenizer(join(path, TOKENIZER), {
    index,
    hash: tokenizerHash(tokenizer),
    vocabulary: tokenizer.size,
  });
  for (const part of TEXT_PARTS) {
    checkCounts(path, { index, split: index[part], part });
    const list = { ...index.tokenizer, shards: index[part].shards };
    for (const shard of openEach(path, list)) shard[Symbol.dispose]();
  }
  if (preparedHash(index.tokenizer.hash, index) !== index.hash) {
    throw new UserError("data", `Cannot read ${path}: its index does not match its own hash`);
  }
  return {
    path,
    hash: index.hash,
    tokenizer,
    tokenizerHash: index.tokenizer.hash,
    tokenizerName: index.options.tokenizer,
    documentEnd: index.options.documentEnd,
    vocabulary: tokenizer.size,
    unknown: index.train.unknown === undefined
      ? undefined
      : index.train.unknown + (index.validation.unknown ?? 0),
    train: splitOf(index.train),
    validation: splitOf(index.validation),
  };
}

/** Checks that index and tokenizer file agree. */
function checkTokenizer(
  path: string,
  { index, hash, vocabulary }: { index: PreparedIndex; hash: string; vocabulary: number },
): void {
  const { tokenizer } = index;
  if (tokenizer.hash !== hash) {
    throw new UserError(
      "data",
      `Cannot read ${path}: its tokenizer has the hash ${hash}, the folder's ${tokenizer.hash}`,
    );
  }
  if (tokenizer.vocabulary !== vocabulary) {
    throw new UserError(
      "data",
      `Cannot read ${path}: it has ${vocabulary} tokens, the index says ${tokenizer.vocabulary}`,
    );
  }
}

function checkCounts(
  path: string,
  { split, part }: { index: PreparedIndex; split: SplitIndex; part: string },
): void {
  const sum = split.shards.reduce((tokens, shard) => tokens + shard.tokens, 0);
  if (sum === split.tokens) return;
  throw new UserError(
    "data",
    `Cannot read ${path}: its index says ${split.tokens} tokens of ${part}, its shards ${sum}`,
  );
}

function splitOf({ tokens, documents, characters, bytes }: SplitIndex): PreparedSplit {
  return { tokens, documents, characters, bytes };
}
