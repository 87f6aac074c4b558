/** The schema of progress.json in an incomplete folder. */
import * as z from "zod";
import { inputSchema, optionsSchema, splitSchema } from "../data/prepared/schema.ts";

const count = z.int().nonnegative();

/** A scanned file and the extent of its text. */
export const scannedSchema = inputSchema.extend({
  extent: z.strictObject({ start: count, cut: count, end: count }),
});

/** One side of the split, up to its last shard. */
export const sideSchema = splitSchema.omit({ hash: true }).extend({
  /** Hash of the complete links so far, see token_hash.ts. */
  chain: splitSchema.shape.hash,
});

/** progress.json. */
export const progressSchema = z.strictObject({
  format: z.literal("shoal-prepare-1"),
  options: optionsSchema,
  inputs: z.array(scannedSchema),
  tokenizer: z.strictObject({ hash: splitSchema.shape.hash, vocabulary: z.int().positive() }),
  /** Start of the next shards: index of the file, and offset in it. */
  position: z.strictObject({ input: count, offset: count }),
  train: sideSchema,
  validation: sideSchema,
});

/** Contents of progress.json. */
export type PrepareProgress = z.infer<typeof progressSchema>;
/** A scanned file. */
export type Scanned = z.infer<typeof scannedSchema>;
/** One side of the split, up to its last shard. */
export type Side = z.infer<typeof sideSchema>;
