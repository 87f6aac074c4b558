/** A small character-level transformer: minutes on a GPU. */
import type { RunInput } from "../src/config/schema.ts";

export default {
  name: "gpt_char",
  steps: 1500,
  micro_batches: 4,
  micro_batch_size: 8,
  eval: { every: 250, windows: 128 },
  model: { kind: "gpt", layers: 2, width: 64, heads: 4, dropout: 0 },
  data: { seq_len: 64, stride: 16 },
  optim: { lr: 3e-3, warmup_steps: 50, decay_steps: 1500 },
} satisfies RunInput;
