/** AdamW: Adam with decoupled weight decay (Loshchilov and Hutter 2019, algorithm 2). */
import type { Expr } from "../graph/formula.ts";
import { add, div, formula, mul, sqrt, sub } from "../graph/formula.ts";
import { learningRate } from "./schedule.ts";
import type { ScheduleConfig } from "./schedule.ts";
import type { Optimizer } from "./types.ts";

/** Hyperparameters of AdamW and of its schedule. */
export interface AdamWConfig extends ScheduleConfig {
  readonly beta1: number;
  readonly beta2: number;
  readonly eps: number;
  readonly weight_decay: number;
}

/** The optimizer: moments m and v; bias corrections are per-step scalars. */
export const adamw: Optimizer<AdamWConfig> = {
  name: "adamw",
  moments: ["m", "v"],
  scalars: ["lr", "correction1", "correction2"],
  scalarsAt(step, config) {
    return {
      lr: learningRate(step, config),
      correction1: 1 / (1 - config.beta1 ** (step + 1)),
      correction2: 1 / (1 - config.beta2 ** (step + 1)),
    };
  },
  update({ beta1, beta2, eps, weight_decay }, { decay, lrScale }) {
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
  },
};
