/** What a run begins with: its data, and parameters where they are not the seed's. */
import { dirname } from "node:path";
import { UserError } from "../base/user_error.ts";
import type { NamedTensor } from "../checkpoint/tensors/tensor.ts";
import type { Checkpoint } from "../checkpoint/verify.ts";
import type { RunConfig } from "../config/schema.ts";
import { NO_DATA } from "../corpus/corpus.ts";
import { readData, requireTraining } from "../corpus/data.ts";
import type { Data, Settled } from "../corpus/data.ts";
import { initialOf } from "./initial.ts";
import { openModel } from "./model.ts";
import { wholeOf } from "./sound_state.ts";

/** Data, and what the first step begins with. */
export interface Beginning {
  readonly data: Data;
  /** Parameters of a model that exists, where the run begins with one. */
  readonly initial: ReadonlyMap<string, NamedTensor> | undefined;
}

/** What a run begins with, from a checkpoint or anew. @throws {UserError} when it is unusable. */
export async function beginning(config: RunConfig, from?: Checkpoint): Promise<Beginning> {
  const begun = await begin(config, from);
  requireTraining(config, begun.data.corpus);
  return begun;
}

async function begin(config: RunConfig, from?: Checkpoint): Promise<Beginning> {
  if (from !== undefined) {
    return { data: await readData(config, settledBy(from)), initial: undefined };
  }
  if (config.init === null) return { data: await readData(config), initial: undefined };
  const { settled, params } = initialOf(config, await openModel(config.init));
  return { data: await readData(config, settled), initial: params };
}

/** What a checkpoint settles of the data. @throws {UserError} for a model that was never trained here. */
function settledBy(checkpoint: Checkpoint): Settled {
  const { path, manifest: { dataHash: hash } } = checkpoint;
  if (hash === NO_DATA) {
    const out = dirname(dirname(path));
    throw new UserError(
      "incompatible",
      `Cannot resume ${out}: need a run that was trained here: it was imported; begin one with --init=${out}`,
    );
  }
  return { by: "the checkpoint", hash, tokenizer: wholeOf(checkpoint).tokenizer };
}
