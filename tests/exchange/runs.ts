/** Runs' folders without training: checkpoints of small models with fixed parameters. */
import { hashValue } from "../../src/base/hash.ts";
import { saveCheckpoint } from "../../src/checkpoint/commit.ts";
import { resolveConfig } from "../../src/config/resolve.ts";
import type { RunInput } from "../../src/config/schema.ts";
import { type PortableInput, portableOf, tokenizerOf } from "./models.ts";

/** Saves a model as the checkpoint of a step, and gives its path. */
export async function saveModel(
  run: string,
  { input, step, valLoss = null, data }: {
    input: PortableInput;
    step: number;
    valLoss?: number | null;
    data?: RunInput["data"];
  },
): Promise<string> {
  const { model, context, vocabulary, params } = portableOf(input);
  const config = resolveConfig({ model, data: { window: context, stride: context, ...data } });
  // Each step has parameters of its own.
  const own = [...params.values()].map((p) => ({ ...p, data: p.data.map((x) => x + step / 64) }));
  const manifest = {
    step,
    tokens: 0,
    workers: 1,
    microBatches: config.micro_batches,
    seed: config.seed,
    config,
    configHash: hashValue(config),
    dataHash: hashValue("data"),
    tokenizer: tokenizerOf(vocabulary).toJSON(),
    adapter: "reference",
    deno: "2.9.6",
    valLoss,
    position: { window: 0 },
  };
  const draft = { manifest, model: own, optimizer: [] };
  return (await saveCheckpoint(`${run}/checkpoints`, draft)).path;
}
