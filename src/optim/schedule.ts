/** Learning rate as a pure function of the step. */

/** What the schedules need to know. */
export interface ScheduleConfig {
  readonly schedule: "cosine" | "linear" | "constant";
  readonly lr: number;
  /** Rate at the end of the decay; null is a tenth of `lr`. */
  readonly min_lr: number | null;
  /** Steps of linear warmup. */
  readonly warmup: number;
  /** Step at which the rate reaches `min_lr`. */
  readonly decay_steps: number;
}

/**
 * The rate of step `step`, counted from 0. Warmup rises linearly and never gives 0; then cosine
 * (Loshchilov and Hutter 2017, SGDR, equation 5) or linear decay to `min_lr`, held from there on.
 */
export function learningRate(step: number, config: ScheduleConfig): number {
  const { schedule, lr, warmup, decay_steps } = config;
  const least = config.min_lr ?? lr / 10;
  if (step < warmup) return lr * (step + 1) / warmup;
  if (schedule === "constant") return lr;
  const last = decay_steps - 1;
  const t = step >= last ? 1 : (step - warmup) / (last - warmup);
  const share = schedule === "cosine" ? 0.5 * (1 + Math.cos(Math.PI * t)) : 1 - t;
  return least + (lr - least) * share;
}
