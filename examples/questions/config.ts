/** A small transformer that learns to answer questions about a made-up world. */
import type { RunInput } from "../../src/config/schema.ts";

export default {
  name: "questions",
  steps: 1400,
  micro_batches: 4,
  micro_batch_size: 4,
  eval: { every: 200, windows: 64 },
  model: { kind: "gpt", layers: 2, width: 96, heads: 4, tie_embeddings: true },
  data: {
    path: "../../runs/questions/tokens",
    seq_len: 96,
    stride: 8,
    document_end: "<|endoftext|>",
    document_mask: true,
  },
  optim: { lr: 5e-3, warmup_steps: 50, decay_steps: 1400, weight_decay: 0.01 },
  report: { prompts: ["Q: Where does the whale live? A:"], sample_length: 20 },
} satisfies RunInput;
