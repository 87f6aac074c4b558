/** Lion: the sign of an interpolated momentum (Chen et al. 2023, algorithm 2). */
import * as z from "zod";
import type { Expr, Formula } from "../graph/formula.ts";
import { add, formula, mul, sign, sub } from "../graph/formula.ts";
import { momentFields } from "./adamw.ts";
import { elementwise } from "./elementwise.ts";
import type { FormulaOptions } from "./elementwise.ts";
import { checkSchedule, commonFields, decoupledDecay } from "./fields.ts";
import { learningRate } from "./schedule.ts";

/** The `optim` part of a config for Lion. */
export const lionSchema = z.strictObject({
  kind: z.literal("lion").describe("Optimizer"),
  lr: z.number().gt(0).default(3e-4).describe("Peak learning rate"),
  beta1: momentFields.beta1,
  beta2: momentFields.beta2,
  weight_decay: decoupledDecay,
  ...commonFields,
}).superRefine(checkSchedule);

/** Hyperparameters of Lion and of its schedule. */
export type LionConfig = z.infer<typeof lionSchema>;

/** The optimizer: moment m. `beta1` mixes the direction, `beta2` decays the moment. */
export const lion = elementwise<LionConfig>({
  name: "lion",
  moments: () => ["m"],
  scalars: ["lr"],
  scalarsAt: (step, config) => ({ lr: learningRate(step, config) }),
  update: lionFormula,
});

/**
 * The update (gradient, clip factor, lr, parameter, m) -> (parameter, m). `lrScale` does not
 * multiply the rate of weight decay.
 */
function lionFormula(
  { beta1, beta2, weight_decay }: LionConfig,
  { decay, lrScale }: FormulaOptions,
): Formula {
  return formula(5, (...x) => {
    const [gradient, clip, lr, p, m] = x as Expr[] as [Expr, Expr, Expr, Expr, Expr];
    const g = mul(gradient, clip);
    const direction = sign(add(mul(m, beta1), mul(g, 1 - beta1)));
    const decayed = decay ? mul(p, weight_decay) : 0;
    const step = mul(lr, add(mul(direction, lrScale), decayed));
    return [sub(p, step), add(mul(m, beta2), mul(g, 1 - beta2))];
  });
}
