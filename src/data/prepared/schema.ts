/** The shape of index.json, which stands in a prepared folder once all of it is there. */
import * as z from "zod";

const count = z.int().nonnegative();
const sha256 = z.string().regex(/^[0-9a-f]{64}$/, "is not a SHA-256");

/** A shard of a split, in order. */
export const shardSchema = z.strictObject({
  /** A plain name in the folder. */
  file: z.string().regex(/^(train|validation)-\d{5,}\.tokens$/, "is not the name of a shard"),
  tokens: z.int().positive(),
  /** CRC-32 of the shard's table of CRCs. */
  crc: z.int().min(0).max(0xffff_ffff),
});

/** One side of the split; characters and bytes are those of the text that the tokens stand for. */
export const splitSchema = z.strictObject({
  tokens: count,
  documents: count,
  characters: count,
  bytes: count,
  /** Tokens of text that the tokenizer lacks; older folders do not tell. */
  unknown: count.optional(),
  /** SHA-256 of the tokens, as token_hash.ts defines it. */
  hash: sha256,
  shards: z.array(shardSchema),
});

/** What decides the tokens beside the inputs, and how they are cut into shards. */
export const optionsSchema = z.strictObject({
  tokenizer: z.string(),
  /** SHA-256 of the tokenizer's file, where one was given. */
  tokenizerFile: sha256.nullable(),
  validation: z.number().min(0).lt(1),
  field: z.string(),
  ends: z.boolean(),
  documentEnd: z.string().nullable(),
  shardTokens: z.int().positive(),
});

/** A file that was read. */
export const inputSchema = z.strictObject({
  name: z.string(),
  bytes: count,
  /** Time of its last change in milliseconds: as long as it stands, the file is not read again. */
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

/** What stands in index.json. */
export type PreparedIndex = z.infer<typeof indexSchema>;
/** One side of the split, as the index has it. */
export type SplitIndex = z.infer<typeof splitSchema>;
/** A shard, as the index has it. */
export type ShardIndex = z.infer<typeof shardSchema>;
/** What decides the tokens beside the inputs. */
export type PrepareOptions = z.infer<typeof optionsSchema>;
/** A file that was read. */
export type InputIndex = z.infer<typeof inputSchema>;
