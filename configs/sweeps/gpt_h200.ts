/**
 * Transformers of 10k to 100M and more parameters, each with four budgets that share a trunk: hours
 * of a large GPU. It asks for a prepared text of 100M tokens and more, as `prepare` makes it from
 * any files: `--data=DIR` names another folder.
 */
import type { SweepInput } from "../../src/sweep/schema.ts";

/** Layers and width; heads have 64 features where the width allows. */
const SIZES = [[1, 8], [2, 16], [2, 32], [4, 64], [4, 128], [6, 256], [8, 384], [12, 768]] as const;

export default {
  name: "gpt_h200",
  base: {
    micro_batches: 8,
    micro_batch_size: 16,
    eval: { every: 0, windows: 1024 },
    model: { kind: "gpt", dropout: 0, tie_embeddings: true },
    data: { path: "data/corpus", seq_len: 512 },
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
  // Small models leave most of the GPU idle: many at a time.
  parallel: 8,
  large: 3e7,
} satisfies SweepInput;
