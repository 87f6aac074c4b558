/** The config of a run's output. */
import * as z from "zod";

/** The `report` part of a config. */
export const reportSchema = z.strictObject({
  gradient_reach: z.boolean().default(false)
    .describe(
      "Whether evaluations log how much of the last position's gradient reaches earlier steps, and " +
        "of the first position's later ones where the model reads backwards too (recurrent models)",
    ),
  progress_every: z.int().min(1).default(10)
    .describe("Steps between progress lines when the output is not a terminal"),
  prompts: z.array(z.string().min(1)).default([])
    .describe("Beginnings that samples continue; without any, the first token of the text"),
  sample_every: z.int().min(0).default(0)
    .describe(
      "Steps between samples, which go to samples.jsonl as well; 0 samples at the end only",
    ),
  sample_length: z.int().min(0).default(300)
    .describe("Tokens of each sample; 0 draws none"),
  sample_temperature: z.number().gt(0).default(0.8)
    .describe("Divisor of the logits when sampling; small is cautious"),
});

/** A complete `report` part. */
export type ReportConfig = z.infer<typeof reportSchema>;
