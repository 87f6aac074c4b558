/** The config schema of the optimizer and its learning rate schedule. */
import * as z from "zod";
import { stableSteps } from "./schedule.ts";

/** The `optim` part of a config. Steps count from 0. */
export const optimSchema = z.strictObject({
  kind: z.literal("adamw").default("adamw").describe("Optimizer"),
  lr: z.number().gt(0).default(3e-3).describe("Peak learning rate"),
  beta1: z.number().min(0).lt(1).default(0.9).describe("Decay of the first moment per step"),
  beta2: z.number().min(0).lt(1).default(0.99).describe("Decay of the second moment per step"),
  eps: z.number().gt(0).default(1e-8).describe("Added to the root of the second moment"),
  weight_decay: z.number().min(0).default(0.1)
    .describe("Decoupled weight decay, times the learning rate"),
  clip: z.number().min(0).default(1)
    .describe("Largest global norm of the gradient; 0 turns clipping off"),
  schedule: z.enum(["cosine", "linear", "constant", "wsd"]).default("cosine")
    .describe("Way of the learning rate after the warmup"),
  warmup_steps: z.int().min(0).default(50).describe("Steps in which the rate rises to its peak"),
  decay_steps: z.int().min(1).default(1000)
    .describe("Step at which the rate reaches min_lr, whatever steps is"),
  decay_share: z.number().gt(0).max(1).default(0.2)
    .describe("Of schedule wsd: share of decay_steps, at their end, in which the rate falls"),
  min_lr: z.number().min(0).nullable().default(null)
    .describe("Learning rate from decay_steps on; null is a tenth of lr"),
}).superRefine(
  ({ schedule, lr, min_lr, warmup_steps: warmup, decay_steps, decay_share }, context) => {
    if (schedule === "constant") return;
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
  },
);

/** A complete `optim` part. */
export type OptimConfig = z.infer<typeof optimSchema>;
