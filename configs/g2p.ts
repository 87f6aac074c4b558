/** Spelling to phonemes with a transformer, on the CMU Pronouncing Dictionary: minutes on two cores. */
import type { RunInput } from "../src/config/schema.ts";

export default {
  name: "g2p",
  steps: 1700,
  micro_batches: 4,
  micro_batch_size: 64,
  eval: { every: 425, windows: 2048 },
  model: {
    kind: "encoder_decoder",
    layers: 2,
    width: 64,
    heads: 4,
    mlp_width: 256,
    dropout: 0,
    label_smoothing: 0.1,
  },
  data: { source: "pairs", tokenizer: "char|word", seq_len: 20, validation: 0.1 },
  optim: {
    schedule: "linear",
    lr: 4e-3,
    min_lr: 0,
    warmup_steps: 400,
    decay_steps: 1700,
    beta2: 0.98,
    weight_decay: 0,
  },
} satisfies RunInput;
