/** Checkpoints of runs that never were: small states whose parts go together as those of a run do. */
import type { CheckpointDraft } from "../../src/checkpoint/commit.ts";
import type { NamedTensor } from "../../src/checkpoint/tensors/tensor.ts";
import { hashValue } from "../../src/base/hash.ts";
import { sizeOf } from "../../src/base/shape.ts";
import { configHash } from "../../src/config/identity.ts";
import type { RunConfig } from "../../src/config/schema.ts";
import { taskOf } from "../../src/data/sources/mod.ts";
import { byteTokenizer } from "../../src/data/tokenizers/byte.ts";
import type { Tokenizer } from "../../src/data/tokenizers/types.ts";
import { stateVectors } from "../../src/optim/mod.ts";
import { paramsOf } from "../../src/plan/layout.ts";
import { shapeOf } from "../../src/engine/plans.ts";
import { carriedShapes } from "../../src/engine/state.ts";

/** The draft of a step; parameters count up unless they are given. */
export function draftFor(
  config: RunConfig,
  {
    step,
    tokenizer = byteTokenizer(),
    vocabulary = tokenizer.size,
    model,
    valLoss,
  }: {
    step: number;
    tokenizer?: Tokenizer;
    vocabulary?: number;
    model?: readonly NamedTensor[];
    valLoss?: number | null;
  },
): CheckpointDraft {
  const { layout, carries } = shapeOf(config, vocabulary);
  const params = layout.entries;
  const filled = (name: string, shape: readonly number[]): NamedTensor => ({
    name,
    shape,
    data: Float32Array.from({ length: sizeOf(shape) }, (_, i) => (i % 7 - 3) / 64),
  });
  const moments = stateVectors(config.optim).slice(1).flatMap((moment) =>
    paramsOf(layout, moment).map(({ name, shape }) => filled(`${moment}.${name}`, shape))
  );
  const carried = carriedShapes(carries, config.micro_batches);
  const window = step * config.micro_batches * config.micro_batch_size;
  return {
    model: model ?? params.map(({ name, shape }) => filled(name, shape)),
    optimizer: [...moments, ...carried.map(({ name, shape }) => filled(name, shape))],
    manifest: {
      step,
      tokens: window * taskOf(config.data, 0).time,
      workers: 1,
      microBatches: config.micro_batches,
      seed: config.seed,
      config,
      configHash: configHash(config),
      dataHash: hashValue("data"),
      tokenizer: tokenizer.toJSON(),
      adapter: "reference",
      deno: "2.9.6",
      valLoss: valLoss ?? null,
      position: { window },
    },
  };
}
