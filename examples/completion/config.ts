/** A small transformer on BPE tokens of the default text: completion of a prompt. */
import type { RunInput } from "../../src/config/schema.ts";

export default {
  name: "completion",
  steps: 1000,
  micro_batches: 4,
  micro_batch_size: 4,
  eval: { every: 200, windows: 64 },
  model: { kind: "gpt", layers: 2, width: 96, heads: 4, tie_embeddings: true },
  data: { tokenizer: "bpe:1024", seq_len: 64, stride: 16 },
  optim: { lr: 5e-3, warmup_steps: 50, decay_steps: 1000 },
  report: { prompts: ["The whale"], sample_length: 60 },
} satisfies RunInput;
