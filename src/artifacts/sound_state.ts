/**
 * Whether a checkpoint that verifies is a state of a run: hashes say that it is what somebody wrote, not
 * that it can be gone on from. Pure but for what it opens.
 */
import { UserError } from "../base/user_error.ts";
import { sameShape, type Shape, showShape } from "../base/shape.ts";
import { Unfit } from "../checkpoint/damage.ts";
import { MANIFEST, type Manifest, MANIFEST_PARTS } from "../checkpoint/manifest.ts";
import type { NamedTensor } from "../checkpoint/tensors/tensor.ts";
import { type Checkpoint, openCheckpoint } from "../checkpoint/verify.ts";
import { resolveStored } from "../config/resolve.ts";
import type { RunConfig } from "../config/schema.ts";
import { tokenizerSpecSchema } from "../data/schema.ts";
import { taskOf } from "../data/sources/mod.ts";
import { tokenizerFrom } from "../data/tokenizers/mod.ts";
import type { Tokenizer } from "../data/tokenizers/types.ts";
import { optimizerOf } from "../optim/mod.ts";
import { paramsOf } from "../plan/layout.ts";
import { NO_DATA } from "../corpus/corpus.ts";
import { shapeOf } from "../engine/plans.ts";
import { carriedShapes } from "../engine/state.ts";

/** What a checkpoint is of, beside its tensors. */
export interface WholeState {
  readonly config: RunConfig;
  readonly tokenizer: Tokenizer | undefined;
  /** Distinct input tokens. */
  readonly vocabulary: number;
}

/** Opens a checkpoint as `openCheckpoint` does. @throws {Damage} also for one that does not fit. */
export async function openWhole(path: string): Promise<Checkpoint> {
  const checkpoint = await openCheckpoint(path);
  wholeOf(checkpoint);
  return checkpoint;
}

/** What a checkpoint is of. @throws {Unfit} where its parts do not go together. */
export function wholeOf({ manifest, model, optimizer }: Checkpoint): WholeState {
  const config = fitting("its config is none", () => resolveStored(manifest.config));
  requireNumbers(manifest, config);
  const tokenizer = fitting("its tokenizer is none", () => tokenizerIn(manifest.tokenizer));
  const [vocabulary] = model.get("tokens.weight")?.shape ?? [];
  if (vocabulary === undefined) throw new Unfit(`${MANIFEST_PARTS[0]} lacks tokens.weight`);
  // Only a model from elsewhere may have rows that no token of its tokenizer stands for.
  const isPadded = config.init !== null || manifest.dataHash === NO_DATA;
  const size = tokenizer?.size ?? vocabulary;
  if (isPadded ? size > vocabulary : size !== vocabulary) {
    throw new Unfit(`its tokenizer has ${size} tokens, its model ${vocabulary}`);
  }
  // A model is traced layer by layer: that of a config which is far too large would take minutes.
  if (config.model.layers > model.size) {
    throw new Unfit(
      `${MANIFEST_PARTS[0]} has ${model.size} tensors for ${config.model.layers} layers`,
    );
  }
  const shape = fitting("its model is none", () => shapeOf(config, vocabulary));
  const params = paramsOf(shape.layout);
  requireTensors(MANIFEST_PARTS[0], { found: model, wanted: params });
  const moments = optimizerOf(config.optim).moments.flatMap((moment) =>
    params.map(({ name, shape }) => ({ name: `${moment}.${name}`, shape }))
  );
  const carried = carriedShapes(shape.carries, config.micro_batches);
  requireTensors(MANIFEST_PARTS[1], { found: optimizer, wanted: [...moments, ...carried] });
  return { config, tokenizer, vocabulary };
}

function tokenizerIn(spec: unknown): Tokenizer | undefined {
  if (spec === null) return undefined;
  const parsed = tokenizerSpecSchema.safeParse(spec);
  if (parsed.success) return tokenizerFrom(parsed.data);
  const [issue] = parsed.error.issues;
  throw new RangeError(`${issue?.path.map(String).join(".") || "it"}: ${issue?.message}`);
}

/** What `make` gives; what it refuses is the checkpoint's fault. */
function fitting<T>(what: string, make: () => T): T {
  try {
    return make();
  } catch (error) {
    if (!(error instanceof UserError || error instanceof RangeError)) throw error;
    const [line = ""] = error.message.split("\n");
    throw new Unfit(`${MANIFEST}: ${what}: ${line}`);
  }
}

/** Where the run stands is said more than once: all must say the same. */
function requireNumbers(manifest: Manifest, config: RunConfig): void {
  const { step, skipped } = manifest;
  const window = step * config.micro_batches * config.micro_batch_size;
  // How many tokens there are decides nothing of how many a window has.
  const { time } = taskOf(config.data, 0);
  const equal: readonly (readonly [name: string, said: number, own: number])[] = [
    ["microBatches", manifest.microBatches, config.micro_batches],
    ["seed", manifest.seed, config.seed],
    ["position.window", manifest.position.window, window],
    ["tokens", manifest.tokens, window * time],
  ];
  for (const [name, said, own] of equal) {
    if (said !== own) throw new Unfit(`${MANIFEST}: ${name} is ${said}, its config says ${own}`);
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

/** As a loader asks it: throws {@linkcode Unfit} for a checkpoint that does not fit. */
export const judgeState = (checkpoint: Checkpoint): void => void wholeOf(checkpoint);
