/** Runs' folders without training: checkpoints of small models with fixed parameters. */
import { saveCheckpoint } from "../../src/checkpoint/commit.ts";
import { resolveConfig } from "../../src/config/resolve.ts";
import type { RunInput } from "../../src/config/schema.ts";
import { draftFor } from "../support/drafts.ts";
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
  const config = resolveConfig({ model, data: { seq_len: context, stride: context, ...data } });
  // Each step has parameters of its own.
  const own = [...params.values()].map((p) => ({ ...p, data: p.data.map((x) => x + step / 64) }));
  const tokenizer = tokenizerOf(vocabulary);
  const draft = draftFor(config, { step, tokenizer, vocabulary, model: own, valLoss });
  return (await saveCheckpoint(`${run}/checkpoints`, draft)).path;
}
