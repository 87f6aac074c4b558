/**
 * Stochastic gradient descent with momentum (Sutskever et al. 2013), as torch.optim.SGD without
 * dampening. Weight decay is L2 regularisation: it is added to the gradient and enters the momentum.
 */
import * as z from "zod";
import type { Expr, Formula } from "../graph/formula.ts";
import { add, formula, mul, sub } from "../graph/formula.ts";
import { elementwise } from "./elementwise.ts";
import type { FormulaOptions } from "./elementwise.ts";
import { checkSchedule, commonFields } from "./fields.ts";
import { learningRate } from "./schedule.ts";

/** The `optim` part of a config for SGD. */
export const sgdSchema = z.strictObject({
  kind: z.literal("sgd").describe("Optimizer"),
  lr: z.number().gt(0).default(0.1).describe("Peak learning rate"),
  momentum: z.number().min(0).lt(1).default(0.9)
    .describe("Decay of the momentum per step; by default 0.95 for muon"),
  nesterov: z.boolean().default(false)
    .describe("Whether the step looks ahead by Nesterov's momentum; by default true for muon"),
  weight_decay: z.number().min(0).default(0)
    .describe("L2 regularisation: added to the gradient, times the parameter"),
  ...commonFields,
}).superRefine(checkSchedule).refine(
  ({ momentum, nesterov }) => momentum > 0 || !nesterov,
  { path: ["nesterov"], error: "need false without momentum: true" },
);

/** Hyperparameters of SGD and of its schedule. */
export type SgdConfig = z.infer<typeof sgdSchema>;

/** The optimizer: moment m, unless momentum is 0. */
export const sgd = elementwise<SgdConfig>({
  name: "sgd",
  moments: ({ momentum }) => momentum === 0 ? [] : ["m"],
  scalars: ["lr"],
  scalarsAt: (step, config) => ({ lr: learningRate(step, config) }),
  update: sgdFormula,
});

/** The update (gradient, clip factor, lr, parameter, m) -> (parameter, m); no m at momentum 0. */
function sgdFormula(
  { momentum, nesterov, weight_decay }: SgdConfig,
  { decay, lrScale }: FormulaOptions,
): Formula {
  return formula(momentum === 0 ? 4 : 5, (...x) => {
    const [gradient, clip, lr, p, m] = x as [Expr, Expr, Expr, Expr, Expr?];
    const g = add(mul(gradient, clip), decay ? mul(p, weight_decay) : 0);
    const rate = mul(lr, lrScale);
    if (m === undefined) return [sub(p, mul(rate, g))];
    const nextM = add(mul(m, momentum), g);
    const direction = nesterov ? add(g, mul(nextM, momentum)) : nextM;
    return [sub(p, mul(rate, direction)), nextM];
  });
}
