/** Sweep over context lengths of 8 to 128 tokens, with equal tokens per step and in total. */
import type { SweepInput } from "../../src/sweep/schema.ts";

/** Tokens per micro-batch. */
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
      // The same number of evaluation tokens.
      "eval.windows": 32_768 / window,
    })),
  },
  budgets: [256_000, 512_000, 1_024_000],
  trunk: true,
} satisfies SweepInput;
