/**
 * Brings all members of a quorum to one state and proves that they hold it. Rewinds to the newest
 * checkpoint when no member holds the state, or when members differ in it.
 */
import { bytesOf } from "../../src/base/hash.ts";
import type { NamedTensor } from "../../src/checkpoint/tensors/tensor.ts";
import type { Checkpoint } from "../../src/checkpoint/verify.ts";
import { FRESH } from "../../src/guard/watch.ts";
import { stateVectors } from "../../src/optim/mod.ts";
import type { RunContext } from "./context.ts";
import { bucketOf, carryOf, stateBuckets } from "../../src/engine/state.ts";

/** Loads initial parameters into all members; everything else is initialized from the seed. */
export async function loadInitial(
  { group, shape: { layout } }: RunContext,
  model: ReadonlyMap<string, NamedTensor>,
): Promise<void> {
  group.settle(false);
  for (const { bucket } of stateBuckets(layout, ["param"])) {
    const state = { model, optimizer: new Map() };
    const data = bucketOf(layout, { vector: "param", bucket }, state);
    await group.order({ type: "load", vector: "param", bucket }, bytesOf(data));
    await group.expect("loaded");
  }
  group.settle(true);
}

/** Loads a checkpoint's state into all members. */
export async function load(
  { group, run: { config }, shape: { layout, carries }, course }: RunContext,
  { model, optimizer, manifest }: Checkpoint,
): Promise<void> {
  group.settle(false);
  for (const { vector, bucket } of stateBuckets(layout, stateVectors(config.optim))) {
    const data = bucketOf(layout, { vector, bucket }, { model, optimizer });
    await group.order({ type: "load", vector, bucket }, bytesOf(data));
    await group.expect("loaded");
  }
  for (let index = 0; carries.length > 0 && index < config.micro_batches; index++) {
    const lane = carries.flatMap((carry) => [...carryOf(carry, index, optimizer)]);
    await group.order({ type: "load_lane", index }, bytesOf(Float32Array.from(lane)));
    await group.expect("loaded");
  }
  group.settle(true);
  course.stateHash = manifest.stateHash;
}

/** Rewinds to the newest checkpoint, or to step 0 where there is none. */
export async function rewind(context: RunContext, why: string): Promise<void> {
  const { run, course, group } = context;
  const { reload, report } = run;
  // No member counts as holding the state until all have loaded it.
  group.settle(false);
  await context.quiet();
  const checkpoint = await reload?.(course.skips);
  const step = checkpoint?.manifest.step ?? 0;
  context.note("rewind", { from: course.step, to: step, reason: why });
  const text = `Going back from step ${course.step} to step ${step}: ${why}`;
  report({ type: "notice", text });
  report({ type: "rewind", step });
  Object.assign(course, {
    step,
    evaluated: step,
    sampled: step,
    saved: checkpoint === undefined ? -1 : step,
    proven: -1,
    granted: -1,
    unsaved: -1,
    owed: false,
    sound: Math.min(course.sound, step),
    ruin: undefined,
    watched: FRESH,
    rate: context.rateAt(step),
  });
  if (checkpoint !== undefined) return await load(context, checkpoint);
  await group.order({ type: "reset" });
  await group.expect("loaded");
  if (run.initial !== undefined) await loadInitial(context, run.initial);
  group.settle(true);
}

/**
 * Compares the state hashes of all members. Members that differ from the majority are expelled; their
 * gradients since the last checkpoint may be in every state, so all rewind to it.
 */
export async function prove(context: RunContext): Promise<void> {
  const { group, course } = context;
  const hashes = await hashesOf(context);
  course.proven = course.step;
  if (allSame(hashes)) return;
  const common = mostFrequent(hashes);
  const odd = group.members.filter((_, rank) => common !== undefined && hashes[rank] !== common);
  const named = odd.map(({ id }) => `worker ${id}`).join(", ") || "each worker";
  const why = `replicas differ at step ${course.step}: ${named} from the others`;
  context.note("drift", { step: course.step, odd: odd.map(({ id }) => id), reason: why });
  await rewind(context, why);
  if (!allSame(await hashesOf(context))) {
    throw new Error(`Cannot go on: ${named} cannot hold a state that was loaded`);
  }
  for (const { id } of odd) group.expel(id, "its state differed from the others'");
}

async function hashesOf({ group }: RunContext): Promise<string[]> {
  await group.order({ type: "prove" });
  return (await group.expect("proof")).map(({ reply }) => reply.hash);
}

function allSame(values: readonly string[]): boolean {
  return values.every((value) => value === values[0]);
}

/** The value of more than half of all; undefined when there is none. */
function mostFrequent(values: readonly string[]): string | undefined {
  return values.find((value) => values.filter((v) => v === value).length > values.length / 2);
}
