/**
 * Scaling sweep for a software driver on two cores: character-level transformers of 7k to 130k
 * parameters, each with four token budgets that share a trunk. Small batches, so that even the
 * smallest budget lasts beyond the first thousand steps, in which no scaling law holds.
 */
import type { SweepInput } from "../../src/sweep/schema.ts";

export default {
  name: "gpt_tiny",
  base: {
    micro_batches: 1,
    micro_batch_size: 4,
    eval: { every: 0, windows: 0 },
    model: { kind: "gpt", dropout: 0 },
    data: { seq_len: 64 },
    optim: { schedule: "wsd", lr: 3e-3, min_lr: 0, warmup_steps: 100, weight_decay: 0.1 },
    checkpoint: { every: 2000, keep: 1, keep_best: false },
  },
  axes: {
    size: [
      { "model.layers": 1, "model.width": 16, "model.heads": 1 },
      { "model.layers": 2, "model.width": 24, "model.heads": 2 },
      { "model.layers": 2, "model.width": 32, "model.heads": 2 },
      { "model.layers": 2, "model.width": 48, "model.heads": 4 },
      { "model.layers": 3, "model.width": 56, "model.heads": 4 },
    ],
  },
  budgets: [512_000, 1_024_000, 2_048_000, 4_096_000],
  trunk: true,
} satisfies SweepInput;
