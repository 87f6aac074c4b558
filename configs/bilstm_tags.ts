/** Truecasing (restoring capitals in lower-case text) with a bidirectional LSTM. */
import type { RunInput } from "../src/config/schema.ts";

export default {
  name: "bilstm_tags",
  steps: 400,
  micro_batches: 4,
  micro_batch_size: 8,
  eval: { every: 100, windows: 128 },
  model: { kind: "recurrent", cell: "lstm", layers: 1, width: 64, bidirectional: true },
  data: { source: "truecase", seq_len: 64, stride: 16 },
  optim: { lr: 3e-3, warmup_steps: 20, decay_steps: 400, clip: 1 },
} satisfies RunInput;
