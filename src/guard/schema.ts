/** The config of numerical guards. */
import * as z from "zod";

/** The `guard` part of a config. */
export const guardSchema = z.strictObject({
  policy: z.enum(["halt", "skip", "rollback"]).default("halt")
    .describe(
      "What is done about a step whose loss or gradient is not finite, and is so again when it " +
        "is repeated: end the run, pass the step over, or go back to the last checkpoint",
    ),
  max_skips: z.int().min(0).default(10)
    .describe("Steps that policy skip may pass over before the run ends"),
  rollback_steps: z.int().min(1).default(1)
    .describe(
      "Steps that are passed over after going back, up to and including the faulty one",
    ),
  spike: z.number().min(0).default(8)
    .describe(
      "Standard deviations above the running mean at which a loss or gradient norm is reported; " +
        "0 reports none",
    ),
  hash_every: z.int().min(0).default(100)
    .describe("Steps between comparisons of all workers' parameters by hash; 0 never compares"),
});

/** A complete `guard` part. */
export type GuardConfig = z.infer<typeof guardSchema>;
