/** Reads a checkpoint for a program: its tensors by name, verified. */
import { openModel } from "../artifacts/model.ts";
import { openValidated, validated } from "../artifacts/validate_state.ts";
import { UserError } from "../base/user_error.ts";
import { Damage } from "../checkpoint/damage.ts";
import type { NamedTensor } from "../checkpoint/tensors/tensor.ts";
import type { ConfigSection } from "./config.ts";

/** A checkpoint of which every byte was verified. */
export interface LoadedCheckpoint {
  /** Path of its folder. */
  readonly path: string;
  /** Finished steps. */
  readonly step: number;
  /** Tokens trained on. */
  readonly tokens: number;
  /** Parameters by name. */
  readonly parameters: ReadonlyMap<string, NamedTensor>;
  /** Optimizer states as `<moment>.<parameter>`, and carried states as `carry.<name>`. */
  readonly optimizer: ReadonlyMap<string, NamedTensor>;
  /** The config of the run that wrote it. */
  readonly config: ConfigSection;
  /** Validation loss of exactly this state, nats per target; null where it was not measured. */
  readonly valLoss: number | null;
  /** SHA-256 (hex) over step, parameters and optimizer state. */
  readonly stateHash: string;
  /** SHA-256 (hex) of the training data. */
  readonly dataHash: string;
  /** Name of the device that computed it. */
  readonly adapter: string;
  /** Version of Deno that computed it. */
  readonly deno: string;
}

/** Options of `loadCheckpoint`. */
export interface LoadCheckpointOptions {
  /** Checkpoint of a run: the newest that verifies (default), or that of the lowest validation loss. */
  readonly which?: "newest" | "best";
}

/**
 * Reads the checkpoint at `path`, or one of the run at `path`, and verifies sizes, SHA-256, state hash
 * and the shapes that its config asks for. Changes nothing.
 * @throws {UserError} `noInput` where there is none, `incompatible` where none verifies.
 */
export async function loadCheckpoint(
  path: string,
  { which = "newest" }: LoadCheckpointOptions = {},
): Promise<LoadedCheckpoint> {
  const found = await openModel(path, { which });
  if (found.kind === "export") {
    throw new UserError(
      "config",
      `Cannot load ${path}: need a run or a checkpoint: it is an exported model`,
    );
  }
  const { manifest, model, optimizer, config } = await opened(found.path);
  return {
    path: found.path,
    step: manifest.step,
    tokens: manifest.tokens,
    parameters: model,
    optimizer,
    config,
    valLoss: manifest.valLoss,
    stateHash: manifest.stateHash,
    dataHash: manifest.dataHash,
    adapter: manifest.adapter,
    deno: manifest.deno,
  };
}

async function opened(path: string) {
  try {
    const checkpoint = await openValidated(path);
    return { ...checkpoint, config: validated(checkpoint).config };
  } catch (error) {
    if (!(error instanceof Damage)) throw error;
    throw new UserError("incompatible", `Cannot load checkpoint ${path}: ${error.message}`);
  }
}
