/** The shape of progress.json, which stands in a folder until all of its tokens are there. */
import * as z from "zod";
import { inputSchema, optionsSchema, splitSchema } from "../data/prepared/schema.ts";

const count = z.int().nonnegative();

/** A file that was looked through, and where its text is. */
export const scannedSchema = inputSchema.extend({
  extent: z.strictObject({ start: count, cut: count, end: count }),
});

/** One side of the split as far as its shards go. */
export const sideSchema = splitSchema.omit({ hash: true }).extend({
  /** Hash of the whole links so far: token_hash.ts. */
  chain: splitSchema.shape.hash,
});

/** progress.json. */
export const progressSchema = z.strictObject({
  format: z.literal("shoal-prepare-1"),
  options: optionsSchema,
  inputs: z.array(scannedSchema),
  tokenizer: z.strictObject({ hash: splitSchema.shape.hash, vocabulary: z.int().positive() }),
  /** Where the next shards begin: a file, and a place in it. */
  position: z.strictObject({ input: count, offset: count }),
  train: sideSchema,
  validation: sideSchema,
});

/** What stands in progress.json. */
export type PrepareProgress = z.infer<typeof progressSchema>;
/** A file that was looked through. */
export type Scanned = z.infer<typeof scannedSchema>;
/** One side of the split as far as its shards go. */
export type Side = z.infer<typeof sideSchema>;
