/** Schema of the rows of a sweep's trials.jsonl. */
import * as z from "zod";

const loss = z.number().nullish();

/** The keys that fits need of a line of `trials.jsonl`; others are allowed. */
export const trialSchema = z.looseObject({
  key: z.string(),
  name: z.string().optional(),
  status: z.enum(["done", "failed", "stopped"]),
  params: z.object({ all: z.number(), no_embedding: z.number(), matrices: z.number() }),
  tokens: z.number(),
  flops: z.number(),
  loss,
  val_loss: loss,
});

/** A line of `trials.jsonl`. */
export type ScalingTrial = z.infer<typeof trialSchema>;
