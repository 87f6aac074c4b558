/** Config fields that all optimizers have: schedule, clipping and parameter groups. */
import * as z from "zod";
import { hasScheduleEnd, stableSteps } from "./schedule.ts";
import type { ScheduleConfig } from "./schedule.ts";

const groupSchema = z.strictObject({
  match: z.string().min(1).max(256),
  lr_scale: z.number().min(0).optional(),
  weight_decay: z.number().min(0).optional(),
  frozen: z.boolean().optional(),
}).refine(
  ({ frozen, lr_scale, weight_decay }) =>
    !frozen || (lr_scale === undefined && weight_decay === undefined),
  { path: ["frozen"], error: "need no lr_scale and no weight_decay where frozen is true" },
);

/** Settings for the parameters whose names a pattern matches. */
export type ParamGroup = z.infer<typeof groupSchema>;

/** Weight decay that is independent of the gradient. */
export const decoupledDecay = z.number().min(0).default(0.1).describe(
  "Decoupled weight decay, times the learning rate; of sgd added to the gradient, by default 0",
);

/** Clipping, schedule and groups, in the order of the help. */
export const commonFields = {
  clip: z.number().min(0).default(1)
    .describe("Largest global norm of the gradient; 0 turns clipping off"),
  schedule: z.enum(["cosine", "linear", "constant", "wsd", "inverse_sqrt"]).default("cosine")
    .describe("Way of the learning rate after the warmup"),
  warmup_steps: z.int().min(0).default(50).describe("Steps in which the rate rises to its peak"),
  decay_steps: z.int().min(1).default(1000)
    .describe("Step at which the rate reaches min_lr, whatever steps is"),
  decay_share: z.number().gt(0).max(1).default(0.2)
    .describe("Of schedule wsd: share of decay_steps, at their end, in which the rate falls"),
  min_lr: z.number().min(0).nullable().default(null)
    .describe("Learning rate from decay_steps on; null is a tenth of lr"),
  groups: z.array(groupSchema).max(64).default([]).describe(
    "Settings by parameter name; of the patterns that match a name, as blocks.*.norm*, the first " +
      "counts",
  ),
};

/** Reports a schedule whose parts contradict each other. */
export function checkSchedule(
  { schedule, lr, min_lr, warmup_steps: warmup, decay_steps, decay_share }: ScheduleConfig,
  context: z.RefinementCtx,
): void {
  if (!hasScheduleEnd({ schedule })) return;
  if (min_lr !== null && min_lr > lr) {
    const message = `need at most optim.lr: ${min_lr} is above ${lr}`;
    context.addIssue({ code: "custom", path: ["min_lr"], message });
  }
  if (warmup > decay_steps) {
    const message = `need at most optim.decay_steps: ${warmup} is above ${decay_steps}`;
    context.addIssue({ code: "custom", path: ["warmup_steps"], message });
  } else if (schedule === "wsd" && warmup > stableSteps({ decay_steps, decay_share })) {
    const stable = stableSteps({ decay_steps, decay_share });
    const message = `need at most the ${stable} steps before the decay of wsd: ${warmup}`;
    context.addIssue({ code: "custom", path: ["warmup_steps"], message });
  }
}
