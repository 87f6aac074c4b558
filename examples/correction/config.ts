/** A small transformer that learns to correct sentences from few-shot examples. */
import type { RunInput } from "../../src/config/schema.ts";

export default {
  name: "correction",
  steps: 1200,
  micro_batches: 4,
  micro_batch_size: 2,
  eval: { every: 200, windows: 64 },
  model: { kind: "gpt", layers: 2, width: 96, heads: 4, tie_embeddings: true },
  data: {
    path: "../../runs/correction/tokens",
    seq_len: 96,
    stride: 8,
    document_end: "<|endoftext|>",
    document_mask: true,
  },
  optim: { lr: 5e-3, warmup_steps: 50, decay_steps: 1200, weight_decay: 0.01 },
  report: {
    prompts: [
      "Poor English input: The sailor catch the grey ship every day.\nGood English output:",
    ],
    sample_length: 20,
  },
} satisfies RunInput;
