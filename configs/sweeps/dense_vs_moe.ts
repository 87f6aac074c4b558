/**
 * A dense decoder against mixtures of experts whose tokens use as many parameters each, so that all
 * cost the same FLOP per token, with the same tokens.
 */
import type { SweepInput } from "../../src/sweep/schema.ts";

const blocks = { layers: 2, width: 64, heads: 4, kv_heads: 2 } as const;

export default {
  name: "dense_vs_moe",
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
      { kind: "llama", ...blocks, mlp_width: 176 },
      // Two experts of half the width are one layer; the router adds 0.5 % and 1 %.
      { kind: "moe", ...blocks, mlp_width: 88, experts: 4 },
      { kind: "moe", ...blocks, mlp_width: 88, experts: 8 },
    ],
  },
  budgets: [256_000, 512_000, 1_024_000, 2_048_000],
  replicates: { seeds: [1, 2] },
  trunk: true,
} satisfies SweepInput;
