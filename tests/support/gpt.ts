/** Small transformer runs for tests: complete configs, corpora, and first values of parameters. */
import { rootKey, threefry } from "../../src/base/random.ts";
import { resolveConfig } from "../../src/config/resolve.ts";
import type { RunConfig, RunInput } from "../../src/config/schema.ts";
import type { GptConfig } from "../../src/models/gpt/mod.ts";

/** What a test says of its run; the rest is tiny. */
export interface TinyInput extends Omit<RunInput, "model" | "data"> {
  readonly model?: Partial<Omit<GptConfig, "kind">>;
  /** T. */
  readonly window?: number;
  readonly stride?: number;
}

/** A complete config: 1 layer, width 16, 2 heads, 4 micro-batches of 2 windows of 8 tokens. */
export function tinyConfig({ model, window = 8, stride = 8, ...rest }: TinyInput = {}): RunConfig {
  return resolveConfig({
    steps: 4,
    micro_batches: 4,
    micro_batch_size: 2,
    data: { seq_len: window, stride },
    optim: { lr: 3e-3, min_lr: 3e-4, warmup_steps: 2, decay_steps: 100 },
    report: { sample_length: 0 },
    eval: { every: 0, windows: 7 },
    checkpoint: { every: 0 },
    ...rest,
    model: { kind: "gpt", layers: 1, width: 16, heads: 2, ...model },
  });
}

/** `n` tokens below `vocabulary`, the same at every call. */
export function randomTokens(n: number, vocabulary: number): Uint32Array<ArrayBuffer> {
  return Uint32Array.from({ length: n }, (_, i) => threefry(rootKey(21), i, 0)[0] % vocabulary);
}
