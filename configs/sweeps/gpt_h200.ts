/**
 * Scaling sweep: transformers of 10k to over 100M parameters, each with four token budgets that
 * share a trunk. Takes hours on a large GPU, and needs a corpus of at least 100M tokens made by
 * `prepare`; `--data=DIR` names its folder.
 */
import type { SweepInput } from "../../src/sweep/schema.ts";

/** Layers and width; heads have a width of 64 if the model is wide enough. */
const SIZES = [[1, 8], [2, 16], [2, 32], [4, 64], [4, 128], [6, 256], [8, 384], [12, 768]] as const;

export default {
  name: "gpt_h200",
  base: {
    micro_batches: 8,
    micro_batch_size: 16,
    eval: { every: 0, windows: 1024 },
    model: { kind: "gpt", dropout: 0, tie_embeddings: true },
    data: { path: "../../data/corpus", seq_len: 512 },
    optim: { schedule: "wsd", lr: 2e-3, min_lr: 0, warmup_steps: 50, beta2: 0.95 },
    checkpoint: { every: 200, keep: 1, keep_best: false },
  },
  axes: {
    size: SIZES.map(([layers, width]) => ({ "model.layers": layers, "model.width": width })),
  },
  derived: {
    "model.heads": { of: "model.width", times: 1 / 64, least: 1 },
  },
  // 65,536 tokens per step: 250 to 2000 steps.
  budgets: [16_384_000, 32_768_000, 65_536_000, 131_072_000],
  trunk: true,
  // Small models leave most of the GPU idle: train many at a time.
  parallel: 8,
  large: 3e7,
} satisfies SweepInput;
