/** The config of checkpoints. */
import * as z from "zod";

/** The `checkpoint` part of a config. */
export const checkpointSchema = z.strictObject({
  every: z.int().min(0).default(100)
    .describe("Steps between checkpoints; 0 writes one at the end only"),
  keep: z.int().min(1).default(2).describe("Newest checkpoints that are kept"),
  keep_best: z.boolean().default(true)
    .describe("Whether the checkpoint with the lowest validation loss is kept as well"),
  keep_every: z.int().min(0).default(0)
    .describe("Checkpoints of steps that this divides are kept for ever; 0 keeps none"),
  at: z.array(z.int().min(1)).default([])
    .describe("Steps whose checkpoints are written, whatever every is, and kept for ever"),
});

/** A complete `checkpoint` part. */
export type CheckpointConfig = z.infer<typeof checkpointSchema>;
