/** The config of recovery from lost workers. */
import * as z from "zod";

/** The `recovery` part of a config. */
export const recoverySchema = z.strictObject({
  restarts: z.int().min(0).default(10)
    .describe(
      "Lost workers, and starts that fail, that are made good within recovery.window_s; after one more " +
        "the run goes on with those that are left, and ends when none is",
    ),
  window_s: z.number().gt(0).default(600)
    .describe("Seconds after which a lost worker counts no longer"),
  deadline_s: z.number().gt(0).default(5)
    .describe(
      "Shortest time, in seconds, after which a step counts as hung; steps that take long have more",
    ),
  grace_s: z.number().gt(0).default(60)
    .describe("Seconds in which a run that is told to stop must have saved its last checkpoint"),
});

/** A complete `recovery` part. */
export type RecoveryConfig = z.infer<typeof recoverySchema>;
