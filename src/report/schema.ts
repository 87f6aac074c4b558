/** What a run says about its output. Knows no terminals. */
import * as z from "zod";

/** The `report` part of a config. */
export const reportSchema = z.strictObject({
  gradient_reach: z.boolean().default(false)
    .describe(
      "Whether evaluations log how much of the last position's gradient reaches earlier steps " +
        "(recurrent models)",
    ),
  progress_every: z.int().min(1).default(10)
    .describe("Steps between progress lines when the output is not a terminal"),
  sample_length: z.int().min(0).default(300)
    .describe("Characters of sampled text at the end; 0 prints none"),
  sample_temperature: z.number().gt(0).default(0.8)
    .describe("Divisor of the logits when sampling; small is cautious"),
});

/** A complete `report` part. */
export type ReportConfig = z.infer<typeof reportSchema>;
