/** Learning rate schedules as pure functions of the step. */

/** Parameters of a schedule. */
export interface ScheduleConfig {
  readonly schedule: "cosine" | "linear" | "constant" | "wsd" | "inverse_sqrt";
  readonly lr: number;
  /** Learning rate at the end of the decay; null: lr / 10. */
  readonly min_lr: number | null;
  /** Steps of linear warmup. */
  readonly warmup_steps: number;
  /** Step at which the learning rate reaches `min_lr`. */
  readonly decay_steps: number;
  /** For wsd: fraction of `decay_steps`, at the end, in which the learning rate decays. */
  readonly decay_share: number;
}

/** Whether a schedule has an end, `decay_steps`, and a rate there, `min_lr`. */
export function hasScheduleEnd({ schedule }: Pick<ScheduleConfig, "schedule">): boolean {
  return schedule !== "constant" && schedule !== "inverse_sqrt";
}

/** Steps before wsd's decay; runs that differ only in `decay_steps` share this trajectory. */
export function stableSteps(
  { decay_steps, decay_share }: Pick<ScheduleConfig, "decay_steps" | "decay_share">,
): number {
  return decay_steps - Math.max(1, Math.round(decay_share * decay_steps));
}

/**
 * The learning rate of step `step`, counted from 0. Linear warmup, above 0 from step 0; then cosine
 * (Loshchilov and Hutter 2017, SGDR, equation 5) or linear decay to `min_lr`, constant afterwards.
 * wsd (warmup-stable-decay: Hu et al. 2024, MiniCPM, section 4) stays at the peak until the last
 * `decay_share`, then decays as 1 - sqrt(t) (Hagele et al. 2024, "Scaling Laws and Compute-Optimal
 * Training Beyond Fixed Training Durations", section 3, which finds it better than linear).
 * inverse_sqrt falls as 1 / sqrt(step) behind the warmup (Vaswani et al. 2017, section 5.3).
 */
export function learningRate(step: number, config: ScheduleConfig): number {
  const { schedule, lr, warmup_steps: warmup, decay_steps } = config;
  const least = config.min_lr ?? lr / 10;
  if (step < warmup) return lr * (step + 1) / warmup;
  if (schedule === "constant") return lr;
  if (schedule === "inverse_sqrt") return lr * Math.sqrt(Math.max(1, warmup) / (step + 1));
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
