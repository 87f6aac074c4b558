/** The schema of index.json in a prepared folder. */
import * as z from "zod";

const count = z.int().nonnegative();
const sha256 = z.string().regex(/^[0-9a-f]{64}$/, "is not a SHA-256");

/** A shard of a split. */
export const shardSchema = z.strictObject({
  /** File name in the folder. */
  file: z.string().regex(/^(train|validation)-\d{5,}\.tokens$/, "is not the name of a shard"),
  tokens: z.int().positive(),
  /** CRC-32 of the shard's table of CRCs. */
  crc: z.int().min(0).max(0xffff_ffff),
});

/** One side of the split; characters and bytes count the encoded text. */
export const splitSchema = z.strictObject({
  tokens: count,
  documents: count,
  characters: count,
  bytes: count,
  /** Unknown tokens; older folders lack it. */
  unknown: count.optional(),
  /** Hash of the tokens, see token_hash.ts. */
  hash: sha256,
  shards: z.array(shardSchema),
});

/** Options that determine the tokens and the shard sizes. */
export const optionsSchema = z.strictObject({
  tokenizer: z.string(),
  /** SHA-256 of the tokenizer file, if one was given. */
  tokenizerFile: sha256.nullable(),
  validation: z.number().min(0).lt(1),
  field: z.string(),
  ends: z.boolean(),
  documentEnd: z.string().nullable(),
  shardTokens: z.int().positive(),
});

/** An input file. */
export const inputSchema = z.strictObject({
  name: z.string(),
  bytes: count,
  /** Modification time in milliseconds: an unchanged file is not read again. */
  modified: z.number(),
  sha256,
});

/** index.json. Strict: an unknown key means another format. */
export const indexSchema = z.strictObject({
  format: z.literal("shoal-tokens-1"),
  /** SHA-256 that identifies the tokens and their split. */
  hash: sha256,
  tokenizer: z.strictObject({ hash: sha256, vocabulary: z.int().positive() }),
  options: optionsSchema,
  inputs: z.array(inputSchema),
  train: splitSchema,
  validation: splitSchema,
});

/** Contents of index.json. */
export type PreparedIndex = z.infer<typeof indexSchema>;
/** One side of the split in the index. */
export type SplitIndex = z.infer<typeof splitSchema>;
/** A shard in the index. */
export type ShardIndex = z.infer<typeof shardSchema>;
/** Options that determine the tokens. */
export type PrepareOptions = z.infer<typeof optionsSchema>;
/** An input file in the index. */
export type InputIndex = z.infer<typeof inputSchema>;
