/** Opens what a run starts from: its data, and initial parameters from a checkpoint or a model. */
import { dirname } from "node:path";
import { UserError } from "../base/user_error.ts";
import type { NamedTensor } from "../checkpoint/tensors/tensor.ts";
import type { Checkpoint } from "../checkpoint/verify.ts";
import type { RunConfig } from "../config/schema.ts";
import { checkUserPlans } from "../config/user/check_plans.ts";
import type { CheckOptions } from "../modules/check_module.ts";
import { NO_DATA } from "../corpus/corpus.ts";
import { readData, requireTraining } from "../corpus/data.ts";
import type { Data, Settled } from "../corpus/data.ts";
import { requireGeneration } from "../engine/decodable/before_training.ts";
import { initialOf } from "./initial.ts";
import { openModel } from "./model.ts";
import { requireTraceable } from "./traceable.ts";
import { validated } from "./validate_state.ts";

/** The data of a run and its initial parameters. */
export interface RunStart {
  readonly data: Data;
  /** Parameters of the existing model in `config.init`; undefined: initialized from the seed. */
  readonly initial: ReadonlyMap<string, NamedTensor> | undefined;
}

/**
 * Opens the data and initial parameters of a new run, or of a resume from checkpoint `from`, and
 * traces all plans of the config. In a new run, a model of the user that generates decodes once.
 * @throws {UserError} when they are unusable.
 */
export async function openRunStart(
  config: RunConfig,
  from?: Checkpoint,
  checks: CheckOptions = {},
): Promise<RunStart> {
  const begun = await begin(config, from, checks);
  requireTraining(config, begun.data.corpus);
  const { vocabulary } = begun.data.corpus;
  await requireTraceable(config, vocabulary, checks);
  if (from === undefined) await requireGeneration(config, vocabulary);
  return begun;
}

async function begin(
  config: RunConfig,
  from: Checkpoint | undefined,
  checks: CheckOptions,
): Promise<RunStart> {
  if (from !== undefined) {
    return { data: await readData(config, settledBy(from)), initial: undefined };
  }
  if (config.init === null) return { data: await readData(config), initial: undefined };
  const opened = await openModel(config.init);
  await checkUserPlans(config, opened.vocabulary, checks);
  const { settled, params } = initialOf(config, opened);
  return { data: await readData(config, settled), initial: params };
}

/**
 * The tokenizer and data hash that a checkpoint fixes. @throws {UserError} for a model that was
 * never trained here.
 */
function settledBy(checkpoint: Checkpoint): Settled {
  const { path, manifest: { dataHash: hash } } = checkpoint;
  if (hash === NO_DATA) {
    const out = dirname(dirname(path));
    throw new UserError(
      "incompatible",
      `Cannot resume ${out}: need a run that was trained here: it was imported; begin one with --init=${out}`,
    );
  }
  return { by: "the checkpoint", hash, tokenizer: validated(checkpoint).tokenizer };
}
