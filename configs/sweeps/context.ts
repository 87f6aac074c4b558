/** One transformer with contexts of 8 to 128 tokens: the same tokens in each step, and in all. */
import type { SweepInput } from "../../src/sweep/schema.ts";

/** Tokens of a micro-batch. */
const TOKENS = 512;

export default {
  name: "context",
  base: {
    micro_batches: 2,
    eval: { every: 0, windows: 512 },
    model: { kind: "gpt", layers: 2, width: 40, heads: 2, dropout: 0, positions: "sinusoidal" },
    data: { tokenizer: "char" },
    optim: { schedule: "wsd", lr: 4e-3, min_lr: 0, warmup_steps: 50 },
    checkpoint: { every: 500, keep: 1, keep_best: false },
  },
  axes: {
    context: [8, 16, 32, 64, 128].map((window) => ({
      "data.seq_len": window,
      "data.stride": window,
      "micro_batch_size": TOKENS / window,
      // As many tokens are asked of each.
      "eval.windows": 32_768 / window,
    })),
  },
  budgets: [256_000, 512_000, 1_024_000],
  trunk: true,
} satisfies SweepInput;
