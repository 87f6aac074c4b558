/** AdamW: Adam with decoupled weight decay (Loshchilov and Hutter 2019, algorithm 2). */
import * as z from "zod";
import type { Expr, Formula } from "../graph/formula.ts";
import { add, div, formula, mul, sqrt, sub } from "../graph/formula.ts";
import { elementwise } from "./elementwise.ts";
import type { FormulaOptions } from "./elementwise.ts";
import { checkSchedule, commonFields, decoupledDecay } from "./fields.ts";
import { learningRate } from "./schedule.ts";

/** The keys of Adam's moments. */
export const momentFields = {
  beta1: z.number().min(0).lt(1).default(0.9).describe("Decay of the first moment per step"),
  beta2: z.number().min(0).lt(1).default(0.99).describe("Decay of the second moment per step"),
  eps: z.number().gt(0).default(1e-8).describe("Added to the root of the second moment"),
};

/** The `optim` part of a config for AdamW. */
export const adamwSchema = z.strictObject({
  kind: z.literal("adamw").default("adamw").describe("Optimizer"),
  lr: z.number().gt(0).default(3e-3)
    .describe("Peak learning rate; by default 0.1 for sgd, 3e-4 for lion, 0.02 for muon"),
  ...momentFields,
  weight_decay: decoupledDecay,
  ...commonFields,
}).superRefine(checkSchedule);

/** Hyperparameters of AdamW and of its schedule. */
export type AdamWConfig = z.infer<typeof adamwSchema>;

/** The hyperparameters of the formula. */
type AdamWNumbers = Pick<AdamWConfig, "beta1" | "beta2" | "eps" | "weight_decay">;

/** Factors that undo the bias of the moments at step `step`, counted from 0. */
export function biasCorrections(
  step: number,
  { beta1, beta2 }: Pick<AdamWNumbers, "beta1" | "beta2">,
): { correction1: number; correction2: number } {
  return {
    correction1: 1 / (1 - beta1 ** (step + 1)),
    correction2: 1 / (1 - beta2 ** (step + 1)),
  };
}

/**
 * The update (gradient, clip factor, lr, correction1, correction2, parameter, m, v) -> (parameter,
 * m, v). `lrScale` does not multiply the rate of weight decay.
 */
export function adamwFormula(
  { beta1, beta2, eps, weight_decay }: AdamWNumbers,
  { decay, lrScale }: FormulaOptions,
): Formula {
  return formula(8, (...x) => {
    const [gradient, clip, lr, correction1, correction2, p, m, v] = x as Expr[] as [
      Expr,
      Expr,
      Expr,
      Expr,
      Expr,
      Expr,
      Expr,
      Expr,
    ];
    const g = mul(gradient, clip);
    const nextM = add(mul(m, beta1), mul(g, 1 - beta1));
    const nextV = add(mul(v, beta2), mul(mul(g, g), 1 - beta2));
    const direction = div(mul(nextM, correction1), add(sqrt(mul(nextV, correction2)), eps));
    const decayed = decay ? mul(p, weight_decay) : 0;
    const scaled = lrScale === 1 ? direction : mul(direction, lrScale);
    return [sub(p, mul(lr, add(scaled, decayed))), nextM, nextV];
  });
}

/** The optimizer: moments m and v; bias corrections are per-step scalars. */
export const adamw = elementwise<AdamWConfig>({
  name: "adamw",
  moments: () => ["m", "v"],
  scalars: ["lr", "correction1", "correction2"],
  scalarsAt: (step, config) => ({
    lr: learningRate(step, config),
    ...biasCorrections(step, config),
  }),
  update: adamwFormula,
});
