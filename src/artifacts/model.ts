/**
 * Opens a trained model from a run, one checkpoint, or an exported folder. Read-only: it verifies
 * checkpoints and does not move damaged ones.
 */
import { join, resolve } from "node:path";
import { fileFault, hasCode } from "../base/file_fault.ts";
import { UserError } from "../base/user_error.ts";
import { Damage } from "../checkpoint/damage.ts";
import { fileNamesIn } from "../checkpoint/files.ts";
import { listCheckpoints, type Listed, loadNewest } from "../checkpoint/load.ts";
import { MANIFEST } from "../checkpoint/manifest.ts";
import { damagedStepOf, stepOf } from "../checkpoint/names.ts";
import { bestFirst } from "../checkpoint/retention.ts";
import type { NamedTensor } from "../checkpoint/tensors/tensor.ts";
import { type Checkpoint, readManifest } from "../checkpoint/verify.ts";
import type { RunConfig } from "../config/schema.ts";
import type { TargetKind } from "../data/source.ts";
import { taskOf } from "../data/sources/mod.ts";
import type { Tokenizer } from "../data/tokenizers/types.ts";
import { FILES } from "./exchange.ts";
import type { ModelConfig } from "../models/mod.ts";
import { readExported } from "./exported.ts";
import { WEIGHTS_INDEX } from "./weights.ts";
import { located } from "./located.ts";
import { openValidated, validated, validateState } from "./validate_state.ts";

/** A model with its parameters, as `openModel` found it. */
export interface OpenedModel {
  /** Path of the checkpoint, or of the exported folder. */
  readonly path: string;
  readonly kind: "run" | "checkpoint" | "export";
  /** Finished steps; undefined when unrecorded. */
  readonly step: number | undefined;
  readonly model: ModelConfig;
  /** Context length T in tokens. */
  readonly context: number;
  /** Distinct input tokens. */
  readonly vocabulary: number;
  /** Distinct targets; equals `vocabulary` for next-token prediction. */
  readonly classes: number;
  readonly targetKind: TargetKind;
  /** Undefined for models of synthetic data. */
  readonly tokenizer: Tokenizer | undefined;
  /** Parameters by checkpoint name. */
  readonly params: ReadonlyMap<string, NamedTensor>;
  /** Config of the run; undefined for an export. */
  readonly config: RunConfig | undefined;
  /** The source of batches that an exported model was trained on; default: text. */
  readonly source?: "text" | "masked" | "pairs";
  /** SHA-256 of the training data, if known. */
  readonly dataHash?: string;
  /** Differences between training here and its original config, in sentences. */
  readonly notes?: readonly string[];
}

/** Which checkpoint of a run to open, and where to report damaged ones. */
export interface OpenOptions {
  /** The newest that verifies (default), or the one with the lowest validation loss. */
  readonly which?: "newest" | "best";
  readonly warn?: (text: string) => void;
}

/**
 * Opens a run's folder or its folder of checkpoints, one checkpoint, or an exported model, our own
 * or a GPT-2 in the layout of Hugging Face. @throws {UserError} `noInput` when the folder holds
 * none of these, `incompatible` when all checkpoints are damaged, `data` for an incomplete export,
 * `config` for a run without a checkpoint or evaluation.
 */
export async function openModel(path: string, options: OpenOptions = {}): Promise<OpenedModel> {
  const names = await namesOf(path);
  // A run that was killed early has a journal and no checkpoint.
  if (names.includes("checkpoints") || names.includes("journal.jsonl")) {
    return fromCheckpoint(await chosen(join(path, "checkpoints"), options), "run");
  }
  if (names.some((name) => stepOf(name) !== undefined)) {
    return fromCheckpoint(await chosen(path, options), "run");
  }
  const isOne = names.includes(MANIFEST) || names.includes(FILES.weights);
  if (isOne && options.which === "best") {
    throw new UserError(
      "config",
      `Cannot open the best checkpoint of ${path}: need a run, which has several: it is one model`,
    );
  }
  if (names.includes(MANIFEST)) return fromCheckpoint(await only(path), "checkpoint");
  if ([FILES.weights, FILES.config, WEIGHTS_INDEX].some((name) => names.includes(name))) {
    return { path, kind: "export", config: undefined, ...await readExported(path) };
  }
  throw new UserError(
    "noInput",
    `Cannot open ${path}: need a run, a checkpoint or an exported model: it holds ` +
      (names.slice(0, 4).join(", ") || "nothing"),
  );
}

async function namesOf(path: string): Promise<string[]> {
  try {
    if ((await Deno.stat(path)).isDirectory) return await fileNamesIn(path);
  } catch (error) {
    throw fileFault(error, { doing: "open", path, need: "a folder" });
  }
  throw new UserError("noInput", `Cannot open ${path}: need a folder: it is a file`);
}

/** The newest or the best checkpoint below `root`. */
async function chosen(
  root: string,
  { which = "newest", warn = () => {} }: OpenOptions,
): Promise<Checkpoint> {
  const onSkip = (path: string, reason: string) =>
    warn(`Skipped the damaged checkpoint ${path}: ${reason}`);
  const listed = await listCheckpoints(root);
  if (listed.length === 0) {
    const damaged = (await fileNamesIn(root)).filter((name) => damagedStepOf(name) !== undefined);
    throw new UserError(
      damaged.length === 0 ? "config" : "incompatible",
      `Cannot open ${root}: need at least one checkpoint: ` +
        (damaged.length === 0 ? "there is none" : `${damaged.length} are damaged and set aside`),
    );
  }
  // The run may still be going: only its owner may move a damaged checkpoint aside.
  if (which === "newest") {
    return await loadNewest(root, { onSkip, judge: validateState, quarantine: false });
  }
  for (const { path } of await byLoss(listed, onSkip)) {
    try {
      return await openValidated(path);
    } catch (error) {
      onSkip(path, damageOf(error));
    }
  }
  throw new UserError(
    "config",
    `Cannot open the best checkpoint in ${root}: need one with a validation loss: none has it`,
  );
}

/** Checkpoints with a validation loss, lowest first. */
async function byLoss(
  listed: readonly Listed[],
  onSkip: (path: string, reason: string) => void,
): Promise<Listed[]> {
  const found = [];
  for (const one of listed) {
    try {
      const { valLoss } = await readManifest(one.path);
      found.push({ ...one, valLoss, verified: false });
    } catch (error) {
      onSkip(one.path, damageOf(error));
    }
  }
  return bestFirst(found);
}

/** Describes the damage of a checkpoint; rethrows other errors. */
function damageOf(error: unknown): string {
  if (error instanceof Damage) return error.message;
  if (hasCode(error, "ENOENT")) return "It vanished while it was read";
  throw error;
}

async function only(path: string): Promise<Checkpoint> {
  try {
    return await openValidated(resolve(path));
  } catch (error) {
    throw new UserError("incompatible", `Cannot open checkpoint ${path}: ${damageOf(error)}`);
  }
}

function fromCheckpoint(
  checkpoint: Checkpoint,
  kind: "run" | "checkpoint",
): OpenedModel {
  const { path, manifest, model: params } = checkpoint;
  const { config: own, tokenizer, vocabulary } = validated(checkpoint);
  const config = located(own, join(path, "..", ".."));
  const { time: context, classes, targetKind } = taskOf(config.data, vocabulary);
  return {
    path,
    kind,
    step: manifest.step,
    model: config.model,
    context,
    vocabulary,
    classes,
    targetKind,
    tokenizer,
    params,
    config,
    dataHash: manifest.dataHash,
  };
}
