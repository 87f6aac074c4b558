/** A character-level plain RNN, trained by truncated BPTT with carried states. */
import type { RunInput } from "../src/config/schema.ts";

export default {
  name: "rnn_char",
  steps: 1000,
  micro_batches: 4,
  micro_batch_size: 4,
  eval: { every: 200, windows: 128 },
  model: { kind: "recurrent", cell: "rnn_tanh", layers: 1, width: 128 },
  data: { bptt: 64 },
  optim: { lr: 3e-3, warmup_steps: 20, decay_steps: 1000, clip: 1 },
} satisfies RunInput;
