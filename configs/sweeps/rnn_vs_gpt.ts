/**
 * Recurrent networks against a transformer, with equal parameter counts and the same tokens:
 * parameter and data efficiency.
 */
import type { SweepInput } from "../../src/sweep/schema.ts";

export default {
  name: "rnn_vs_gpt",
  base: {
    micro_batches: 2,
    micro_batch_size: 8,
    eval: { every: 0, windows: 512 },
    data: { seq_len: 64 },
    optim: { schedule: "wsd", lr: 4e-3, min_lr: 0, warmup_steps: 50 },
    checkpoint: { every: 250, keep: 1, keep_best: false },
  },
  axes: {
    model: [
      { kind: "recurrent", cell: "rnn_tanh", layers: 1 },
      { kind: "recurrent", cell: "lstm", layers: 1 },
      { kind: "recurrent", cell: "gru", layers: 1 },
      { kind: "gpt", layers: 2, heads: 1 },
    ],
  },
  // The width with which each comes nearest to 50,000 parameters, embeddings and head included.
  derived: { "model.width": { params: 50_000 } },
  budgets: [256_000, 512_000, 1_024_000],
  replicates: { seeds: [1, 2] },
  trunk: true,
} satisfies SweepInput;
