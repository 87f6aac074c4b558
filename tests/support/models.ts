/** Tiny runs of every model, whose gradients, bits and recovery the same tests hold. */
import { resolveConfig } from "../../src/config/resolve.ts";
import type { RunConfig, RunInput } from "../../src/config/schema.ts";

/** What a test says of its run. */
type TinyRun = Pick<RunInput, "model" | "data">;

const LLAMA = { kind: "llama", layers: 2, width: 8, heads: 2, mlp_width: 5 } as const;

const MOE = { kind: "moe", layers: 2, width: 8, heads: 2, mlp_width: 5, experts: 3 } as const;

const ENCODER = { kind: "encoder", layers: 2, width: 8, heads: 2, mlp_width: 5 } as const;

const PAIRS = {
  kind: "encoder_decoder",
  layers: 1,
  width: 8,
  heads: 2,
  mlp_width: 5,
  dropout: 0,
} as const;

/** Runs of models over images. */
const CONVNETS: Readonly<Record<string, TinyRun>> = {
  convnet: {
    model: { kind: "convnet", channels: [3, 5], kernel: 3, dense: [7] },
    data: { source: "images", image_height: 8, image_width: 9, image_classes: 4 },
  },
  "convnet, padded, without pooling or dense layers": {
    model: { kind: "convnet", channels: [2], kernel: 2, padding: 1, pool: 1, dense: [] },
    data: { source: "images", image_height: 3, image_width: 4, image_classes: 3 },
  },
  "convnet, dropout": {
    model: { kind: "convnet", channels: [4], kernel: 3, pool: 3, dense: [6], dropout: 0.3 },
    data: { source: "images", image_height: 7, image_width: 7, image_classes: 4 },
  },
};

/** A run of each model, with what its folder offers. */
export const TINY_RUNS: Readonly<Record<string, TinyRun>> = {
  llama: { model: LLAMA },
  "llama, shared heads of their own width": {
    model: { ...LLAMA, heads: 4, kv_heads: 2, head_width: 6, dropout: 0.2, tie_embeddings: true },
  },
  "llama, norms of heads and a window": {
    model: { ...LLAMA, kv_heads: 1, qk_norm: true, attention_window: 3, dropout: 0.2 },
  },
  "llama, a scaled context": {
    model: {
      ...LLAMA,
      rotary_scaling: { kind: "yarn", factor: 4, context: 3, beta_fast: 8 },
    },
  },
  moe: { model: MOE },
  "moe, with a capacity": {
    model: { ...MOE, experts: 5, experts_per_token: 3, capacity_factor: 0.8, dropout: 0.2 },
  },
  "moe, of one expert per token": {
    model: { ...MOE, experts_per_token: 1, tie_embeddings: true, balance_weight: 0.5, z_weight: 0 },
  },
  "encoder of hidden tokens": {
    model: { ...ENCODER, dropout: 0.2 },
    data: { source: "masked", mask_share: 0.4 },
  },
  "encoder of a class of each token": {
    model: { ...ENCODER, activation: "gelu", segments: 1 },
    data: { source: "truecase" },
  },
  "encoder-decoder": {
    model: { ...PAIRS, dropout: 0.2 },
    data: { source: "pairs" },
  },
  "encoder-decoder, without smoothed labels": {
    model: { ...PAIRS, label_smoothing: 0, decoder_layers: 2, activation: "silu" },
    data: { source: "pairs" },
  },
  "encoder of a class of a window": {
    model: { ...ENCODER, activation: "relu" },
    data: { source: "direction" },
  },
  char_cnn: {
    model: { kind: "char_cnn", width: 5, kernels: [2, 3], filters: 4, dropout: 0.2 },
    data: { source: "direction" },
  },
  "char_cnn, one group": {
    model: { kind: "char_cnn", width: 4, kernels: [6], filters: 3 },
    data: { source: "direction" },
  },
  ...CONVNETS,
};

/** A complete config of a tiny run: 4 micro-batches of 2 windows of 6 tokens. */
export function tinyRun({ model, data }: TinyRun, rest: RunInput = {}): RunConfig {
  return resolveConfig({
    steps: 3,
    micro_batches: 4,
    micro_batch_size: 2,
    optim: { lr: 3e-3, min_lr: 3e-4, warmup_steps: 2, decay_steps: 100 },
    report: { sample_length: 5 },
    eval: { every: 0, windows: 7 },
    checkpoint: { every: 0 },
    ...rest,
    model,
    data: { seq_len: 6, stride: 6, ...data },
  });
}
