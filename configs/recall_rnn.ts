/** Long-term recall: a name must be reproduced after 30 other tokens, by a plain RNN. */
import type { RunInput } from "../src/config/schema.ts";

export default {
  name: "recall_rnn",
  steps: 500,
  micro_batches: 2,
  micro_batch_size: 16,
  eval: { every: 100, windows: 256 },
  model: { kind: "recurrent", cell: "rnn_tanh", layers: 1, width: 64 },
  data: { source: "recall", gap: 30 },
  optim: { lr: 3e-3, warmup_steps: 20, decay_steps: 500, clip: 1 },
} satisfies RunInput;
