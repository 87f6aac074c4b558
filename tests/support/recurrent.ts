/** Small recurrent runs for tests: complete configs. */
import { resolveConfig } from "../../src/config/resolve.ts";
import type { RunConfig, RunInput } from "../../src/config/schema.ts";

/** A complete config: a tiny recurrent network, 4 micro-batches of 2 windows of 8 tokens. */
export function tinyRecurrent({ model, data, ...rest }: Partial<RunInput>): RunConfig {
  return resolveConfig({
    steps: 3,
    micro_batches: 4,
    micro_batch_size: 2,
    eval: { every: 0, windows: 7 },
    optim: { lr: 3e-3, warmup_steps: 2, decay_steps: 100 },
    report: { sample_length: 5 },
    checkpoint: { every: 0 },
    ...rest,
    model: { kind: "recurrent", width: 6, dropout: 0.2, ...model },
    data: { seq_len: 8, stride: 8, ...data },
  });
}
