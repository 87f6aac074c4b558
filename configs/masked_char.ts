/** An encoder on masked characters, as BERT is trained: minutes on two cores. */
import type { RunInput } from "../src/config/schema.ts";

export default {
  name: "masked_char",
  steps: 3000,
  micro_batches: 4,
  micro_batch_size: 16,
  eval: { every: 500, windows: 512 },
  model: { kind: "encoder", layers: 2, width: 64, heads: 4, dropout: 0 },
  data: { source: "masked", seq_len: 32, stride: 8 },
  optim: { schedule: "linear", lr: 3e-3, min_lr: 0, warmup_steps: 200, decay_steps: 3000 },
} satisfies RunInput;
