/**
 * Validates that a checkpoint can be resumed. Its hashes only prove that the bytes are the ones
 * written; its config, counters, tokenizer and tensors must also agree.
 */
import { modelOf } from "../models/mod.ts";
import { UserError } from "../base/user_error.ts";
import { sameShape, type Shape, showShape } from "../base/shape.ts";
import { Unfit } from "../checkpoint/damage.ts";
import { MANIFEST, type Manifest, MANIFEST_PARTS } from "../checkpoint/manifest.ts";
import type { NamedTensor } from "../checkpoint/tensors/tensor.ts";
import { type Checkpoint, openCheckpoint } from "../checkpoint/verify.ts";
import { resolveStored } from "../config/resolve.ts";
import type { RunConfig } from "../config/schema.ts";
import { checkUserPlans } from "../config/user/check_plans.ts";
import { moduleFilesOf, withUserModules } from "../config/user/user_modules.ts";
import { tokenizerSpecSchema } from "../data/schema.ts";
import { taskOf } from "../data/sources/mod.ts";
import { tokenizerFrom } from "../data/tokenizers/mod.ts";
import type { Tokenizer } from "../data/tokenizers/types.ts";
import { stateVectors } from "../optim/mod.ts";
import { paramsOf } from "../plan/layout.ts";
import { NO_DATA } from "../corpus/corpus.ts";
import { shapeOf } from "../engine/plans.ts";
import { carriedShapes } from "../engine/state.ts";

/** The validated contents of a checkpoint besides its tensors. */
export interface ValidatedState {
  readonly config: RunConfig;
  readonly tokenizer: Tokenizer | undefined;
  /** Distinct input tokens. */
  readonly vocabulary: number;
}

/** Opens a checkpoint as `openCheckpoint` does. @throws {Damage} also when its parts disagree. */
export async function openValidated(path: string): Promise<Checkpoint> {
  const checkpoint = await openCheckpoint(path);
  await validateState(checkpoint);
  return checkpoint;
}

/** Validates a checkpoint's parts against each other. @throws {Unfit} when they disagree. */
export function validated(checkpoint: Checkpoint): ValidatedState {
  const state = stateOf(checkpoint);
  const { config, vocabulary } = state;
  const { model, optimizer } = checkpoint;
  const shape = fitting("its model is none", () => shapeOf(config, vocabulary));
  const params = paramsOf(shape.layout);
  requireTensors(MANIFEST_PARTS[0], { found: model, wanted: params });
  const moments = stateVectors(config.optim).slice(1).flatMap((moment) =>
    paramsOf(shape.layout, moment).map(({ name, shape }) => ({ name: `${moment}.${name}`, shape }))
  );
  const carried = carriedShapes(shape.carries, config.micro_batches);
  requireTensors(MANIFEST_PARTS[1], { found: optimizer, wanted: [...moments, ...carried] });
  return state;
}

/** The contents of a checkpoint, without a trace of its model. @throws {Unfit} */
function stateOf({ manifest, model }: Checkpoint): ValidatedState {
  const config = fitting("its config is none", () => resolveStored(manifest.config));
  requireNumbers(manifest, config);
  const tokenizer = fitting("its tokenizer is none", () => tokenizerIn(manifest.tokenizer));
  const [rows] = model.get("tokens.weight")?.shape ?? [];
  // Only imported models may have a padded vocabulary: more embedding rows than tokens.
  const isPadded = config.init !== null || manifest.dataHash === NO_DATA;
  // A model of the user's may have other names, and a table of another size.
  const isOurs = !("sha256" in config.model);
  const readsTokens = modelOf(config.model).reads?.includes("tokens") ?? false;
  if (rows === undefined && isOurs && readsTokens) {
    throw new Unfit(`${MANIFEST_PARTS[0]} lacks tokens.weight`);
  }
  const known = tokenizer?.size ?? taskOf(config.data, 0).vocabulary;
  const vocabulary = isOurs || isPadded ? rows ?? known : known;
  const size = tokenizer?.size ?? vocabulary;
  if (isPadded ? size > vocabulary : size !== vocabulary) {
    throw new Unfit(`its tokenizer has ${size} tokens, its model ${vocabulary}`);
  }
  // Tracing takes time per layer: a forged layer count would take minutes.
  const layers = "layers" in config.model ? config.model.layers : 0;
  if (layers > model.size) {
    throw new Unfit(`${MANIFEST_PARTS[0]} has ${model.size} tensors for ${layers} layers`);
  }
  return { config, tokenizer, vocabulary };
}

function tokenizerIn(spec: unknown): Tokenizer | undefined {
  if (spec === null) return undefined;
  const parsed = tokenizerSpecSchema.safeParse(spec);
  if (parsed.success) return tokenizerFrom(parsed.data);
  const [issue] = parsed.error.issues;
  throw new RangeError(`${issue?.path.map(String).join(".") || "it"}: ${issue?.message}`);
}

/** Returns `make()`; turns its UserError or RangeError into Unfit. */
function fitting<T>(what: string, make: () => T): T {
  try {
    return make();
  } catch (error) {
    if (!(error instanceof UserError || error instanceof RangeError)) throw error;
    const [line = ""] = error.message.split("\n");
    throw new Unfit(`${MANIFEST}: ${what}: ${line}`);
  }
}

/** The run's position is stored redundantly: all fields must agree. */
function requireNumbers(manifest: Manifest, config: RunConfig): void {
  const { step, skipped } = manifest;
  const window = step * config.micro_batches * config.micro_batch_size;
  // The window length does not depend on the vocabulary.
  const { time } = taskOf(config.data, 0);
  const equal: readonly (readonly [name: string, stored: number, expected: number])[] = [
    ["microBatches", manifest.microBatches, config.micro_batches],
    ["seed", manifest.seed, config.seed],
    ["position.window", manifest.position.window, window],
    ["tokens", manifest.tokens, window * time],
  ];
  for (const [name, stored, expected] of equal) {
    if (stored !== expected) {
      throw new Unfit(`${MANIFEST}: ${name} is ${stored}, its config says ${expected}`);
    }
  }
  if (skipped.some((each, i) => each >= step || each <= (skipped[i - 1] ?? -1))) {
    throw new Unfit(`${MANIFEST}: skipped is no rising list of steps below ${step}`);
  }
}

function requireTensors(
  what: string,
  { found, wanted }: {
    readonly found: ReadonlyMap<string, NamedTensor>;
    readonly wanted: readonly { readonly name: string; readonly shape: Shape }[];
  },
): void {
  for (const { name, shape } of wanted) {
    const own = found.get(name);
    if (own === undefined) throw new Unfit(`${what} lacks ${name} ${showShape(shape)}`);
    if (sameShape(own.shape, shape)) continue;
    throw new Unfit(
      `${what}: ${name} is ${showShape(own.shape)}, its config says ${showShape(shape)}`,
    );
  }
  const known = new Set(wanted.map(({ name }) => name));
  const more = Array.from(found.keys()).find((name) => !known.has(name));
  if (more !== undefined) throw new Unfit(`${what} has ${more}, which its config does not name`);
}

/**
 * Validator for checkpoint loaders. Imports the modules of the user that the config names, and traces
 * its plans in a child process if there are any.
 * @throws {Unfit} when the checkpoint's parts disagree.
 * @throws {UserError} for a module that is missing, changed, does not load or cannot be traced.
 */
export async function validateState(checkpoint: Checkpoint): Promise<void> {
  const filled = await withUserModules(Object(checkpoint.manifest.config));
  if ((await moduleFilesOf(filled)).size > 0) {
    const { vocabulary } = stateOf(checkpoint);
    // The stored config may name a place where a module no longer is.
    const config = fitting("its config is none", () => resolveStored(filled));
    await checkUserPlans(config, vocabulary);
  }
  validated(checkpoint);
}
