/** Learning rate as a pure function of the step. */

/** What the schedules need to know. */
export interface ScheduleConfig {
  readonly schedule: "cosine" | "linear" | "constant" | "wsd";
  readonly lr: number;
  /** Rate at the end of the decay; null is a tenth of `lr`. */
  readonly min_lr: number | null;
  /** Steps of linear warmup. */
  readonly warmup_steps: number;
  /** Step at which the rate reaches `min_lr`. */
  readonly decay_steps: number;
  /** Of wsd: the part of `decay_steps`, at their end, in which the rate falls. */
  readonly decay_share: number;
}

/** Steps before the rate of wsd begins to fall: all runs that agree but for `decay_steps` share them. */
export function stableSteps(
  { decay_steps, decay_share }: Pick<ScheduleConfig, "decay_steps" | "decay_share">,
): number {
  return decay_steps - Math.max(1, Math.round(decay_share * decay_steps));
}

/**
 * The rate of step `step`, counted from 0. Warmup rises linearly and never gives 0; then cosine
 * (Loshchilov and Hutter 2017, SGDR, equation 5) or linear decay to `min_lr`, held from there on.
 * wsd (warmup, stable, decay: Hu et al. 2024, MiniCPM, section 4) stays at its peak until the last
 * `decay_share`, which falls as 1 - sqrt(t) (Hagele et al. 2024, "Scaling Laws and Compute-Optimal
 * Training Beyond Fixed Training Durations", section 3, where it does better than linear).
 */
export function learningRate(step: number, config: ScheduleConfig): number {
  const { schedule, lr, warmup_steps: warmup, decay_steps } = config;
  const least = config.min_lr ?? lr / 10;
  if (step < warmup) return lr * (step + 1) / warmup;
  if (schedule === "constant") return lr;
  if (schedule === "wsd") {
    const stable = stableSteps(config);
    if (step < stable) return lr;
    const t = Math.min(1, (step + 1 - stable) / (decay_steps - stable));
    return least + (lr - least) * (1 - Math.sqrt(t));
  }
  const last = decay_steps - 1;
  const t = step >= last ? 1 : (step - warmup) / (last - warmup);
  const share = schedule === "cosine" ? 0.5 * (1 + Math.cos(Math.PI * t)) : 1 - t;
  return least + (lr - least) * share;
}
