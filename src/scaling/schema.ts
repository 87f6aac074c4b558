/** Rows that fits may be made from: a sweep's trials. Knows their shape, not what is fitted. */
import * as z from "zod";

const loss = z.number().nullish();

/** What fits need of a line of `trials.jsonl`; it may hold more. */
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
