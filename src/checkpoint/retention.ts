/**
 * Removes old checkpoints, but only after newer ones were verified, and sets aside those of steps
 * that are rolled back. The caller must hold the run's lock.
 */
import { basename, join } from "node:path";
import { hasCode, writingFault } from "../base/file_fault.ts";
import { Damage } from "./damage.ts";
import { DISK, type Disk } from "./disk.ts";
import { fileNamesIn } from "./files.ts";
import { listCheckpoints, type Listed } from "./load.ts";
import { asideName, isLeftover, isRemoved, STEP_PREFIX, stepName, undoneStepOf } from "./names.ts";
import type { CheckpointConfig } from "./schema.ts";
import { VerifiedSteps } from "./verified.ts";
import { readManifest } from "./verify.ts";

/** Which checkpoints are kept, from the `checkpoint` part of a config. */
export type RetentionPolicy =
  & Pick<CheckpointConfig, "keep" | "keep_every" | "keep_best">
  & Partial<Pick<CheckpointConfig, "at">>;

/** A checkpoint as the retention policy sees it. */
export interface Candidate {
  readonly step: number;
  /** Validation loss in nats per token; null if there is none. */
  readonly valLoss: number | null;
  /** Whether every byte of it was verified. */
  readonly verified: boolean;
}

/** Options of retention; `verified` caches verifications across saves. */
export interface RetentionOptions {
  readonly verified?: VerifiedSteps;
  readonly disk?: Disk;
  /** The last step whose state gave a finite loss; later ones are not counted as verified. */
  readonly sound?: number;
}

/**
 * The steps to remove, newest first. Kept are the `keep` newest verified checkpoints and all newer
 * ones; every step that `keep_every` divides or `at` names; with `keep_best` the verified one with
 * the lowest validation loss, the newer on a tie. With fewer than `keep` verified, none is removed.
 * @throws {RangeError} if `keep` is below 1 or `keep_every` below 0.
 */
export function toRemove(found: readonly Candidate[], policy: RetentionPolicy): number[] {
  const { keep, keep_every: every, keep_best: best, at = [] } = policy;
  if (!Number.isSafeInteger(keep) || keep < 1) {
    throw new RangeError(`Cannot keep checkpoints: at least 1 must stay: ${keep}`);
  }
  if (!Number.isSafeInteger(every) || every < 0) {
    throw new RangeError(`Cannot keep checkpoints: keep_every must be 0 or more steps: ${every}`);
  }
  const sorted = found.toSorted((a, b) => b.step - a.step);
  const oldest = oldestKept(found, keep);
  if (oldest === undefined) return [];
  const winner = best ? bestFirst(sorted).find(({ verified }) => verified) : undefined;
  return sorted
    .filter((one) => one.step < oldest && one !== winner)
    .filter(({ step }) => (every === 0 || step % every !== 0) && !at.includes(step))
    .map(({ step }) => step);
}

/** The oldest of the `keep` newest verified steps; undefined if there are fewer. */
function oldestKept(found: readonly Candidate[], keep: number): number | undefined {
  return found.filter(({ verified }) => verified).map(({ step }) => step)
    .sort((a, b) => b - a)[keep - 1];
}

/** Those with a validation loss, lowest first, the newer first on a tie. */
export function bestFirst<T extends Candidate>(found: readonly T[]): T[] {
  return found.filter(({ valLoss }) => valLoss !== null)
    .sort((a, b) => (a.valLoss as number) - (b.valLoss as number) || b.step - a.step);
}

/**
 * Applies a policy to the checkpoints under `root`; returns the removed steps, newest first. A
 * number keeps that many of the newest. Verifies as needed, unless `verified` has a cached result.
 */
export async function applyRetention(
  root: string,
  policy: RetentionPolicy | number,
  { verified = new VerifiedSteps(), disk = DISK, sound = Infinity }: RetentionOptions = {},
): Promise<number[]> {
  const full = typeof policy === "number"
    ? { keep: policy, keep_every: 0, keep_best: false }
    : policy;
  const listed = await listCheckpoints(root);
  const found = await judge(listed, { policy: full, verified, sound });
  const removed = toRemove(found, full);
  const paths = listed.filter(({ step }) => removed.includes(step)).map(({ path }) => path);
  const superseded = await undoneBefore(root, oldestKept(found, full.keep) ?? 0);
  await discard(root, { paths: [...paths, ...superseded], disk });
  return removed;
}

/** Rolled-back checkpoints of steps that the run has passed again. */
async function undoneBefore(root: string, step: number): Promise<string[]> {
  return (await fileNamesIn(root)).filter((name) => (undoneStepOf(name) ?? step) < step)
    .map((name) => join(root, name));
}

/** Verifies only as many checkpoints as the decision needs: each may have gigabytes. */
async function judge(
  listed: readonly Listed[],
  { policy, verified, sound }: { policy: RetentionPolicy; verified: VerifiedSteps; sound: number },
): Promise<Candidate[]> {
  if (listed.length <= policy.keep) return [];
  const found = [];
  for (const { step, path } of listed) {
    found.push({ step, path, valLoss: await valLossOf(path), verified: false });
  }
  let good = 0;
  for (const one of found) {
    if (good === policy.keep) break;
    one.verified = one.step <= sound && await verified.check(one.path);
    if (one.verified) good++;
  }
  for (const one of policy.keep_best && good === policy.keep ? bestFirst(found) : []) {
    one.verified ||= one.step <= sound && await verified.check(one.path);
    if (one.verified) break;
  }
  return found;
}

async function valLossOf(path: string): Promise<number | null> {
  try {
    return (await readManifest(path)).valLoss;
  } catch (error) {
    if (error instanceof Damage || hasCode(error, "ENOTDIR")) return null;
    throw error;
  }
}

/** A checkpoint that was set aside. */
export interface SetAside {
  readonly step: number;
  /** Its new name in the folder of checkpoints. */
  readonly name: string;
}

/**
 * Sets aside all checkpoints of steps after `step`, newest first: they are never loaded again, and
 * retention removes them once the run's newer ones verify.
 */
export async function setAsideAfter(
  root: string,
  step: number,
  { disk = DISK }: Pick<RetentionOptions, "disk"> = {},
): Promise<SetAside[]> {
  const later = (await listCheckpoints(root)).filter((one) => one.step > step);
  const aside = [];
  for (const { step, path } of later) {
    const name = asideName(STEP_PREFIX.undone, basename(path));
    await disk.rename(path, join(root, name));
    aside.push({ step, name });
  }
  if (aside.length > 0) await disk.syncFolder(root);
  return aside;
}

/**
 * Renames first and syncs the renames, so that a removal interrupted by a crash leaves no partial
 * checkpoint under a step's name. Also removes what an earlier removal left after a disk fault.
 */
async function discard(
  root: string,
  { paths, disk }: { paths: readonly string[]; disk: Disk },
): Promise<void> {
  const earlier = (await fileNamesIn(root)).filter(isRemoved).map((name) => join(root, name));
  const trash = paths.map((path) => join(root, asideName(STEP_PREFIX.removing, plainName(path))));
  for (const [i, path] of paths.entries()) await disk.rename(path, trash[i] as string);
  if (paths.length > 0) await disk.syncFolder(root);
  for (const path of [...trash, ...earlier]) await tryRemove(path, disk);
}

/** The name of a step's folder, also for one that was set aside. */
function plainName(path: string): string {
  const name = basename(path);
  const step = undoneStepOf(name);
  return step === undefined ? name : stepName(step);
}

/** Removes what a killed process left partially written or removed; returns the names. */
export async function cleanLeftovers(root: string, disk: Disk = DISK): Promise<string[]> {
  const gone = [];
  for (const name of (await fileNamesIn(root)).filter(isLeftover)) {
    if (await tryRemove(join(root, name), disk)) gone.push(name);
  }
  return gone;
}

/**
 * Removes a folder, or a link but not its target. False if the system refuses, as with `.nfs` files
 * that another host holds open: the next start tries again, and nothing depends on it.
 */
async function tryRemove(path: string, disk: Disk): Promise<boolean> {
  try {
    await disk.remove(path);
    return true;
  } catch (error) {
    if (writingFault(error, {}) !== undefined) return false;
    throw error;
  }
}
