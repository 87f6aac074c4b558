/** Smoke test: all parts of a run in a few seconds; too short to learn much. */
import type { RunInput } from "../src/config/schema.ts";

export default {
  name: "smoke",
  steps: 20,
  micro_batches: 4,
  micro_batch_size: 4,
  eval: { every: 10, windows: 16 },
  model: { kind: "gpt", layers: 2, width: 32, heads: 2, dropout: 0.1 },
  data: { seq_len: 32 },
  optim: { lr: 3e-3, warmup_steps: 5, decay_steps: 20 },
  checkpoint: { every: 10 },
  report: { progress_every: 5, sample_length: 80 },
} satisfies RunInput;
