/**
 * Removes checkpoints that are no longer wanted, never before newer ones were read back and found
 * good, and sets aside those of steps that a run goes back before. Needs the lock of the run.
 */
import { basename, join } from "node:path";
import { hasCode, writingFault } from "../base/file_fault.ts";
import { Damage } from "./damage.ts";
import { DISK, type Disk } from "./disk.ts";
import { fileNamesIn } from "./files.ts";
import { listCheckpoints, type Listed } from "./load.ts";
import { asideName, isLeftover, STEP_PREFIX, stepName, undoneStepOf } from "./names.ts";
import type { CheckpointConfig } from "./schema.ts";
import { VerifiedSteps } from "./verified.ts";
import { readManifest } from "./verify.ts";

/** Which checkpoints stay; the `checkpoint` part of a config says it. */
export type RetentionPolicy =
  & Pick<CheckpointConfig, "keep" | "keep_every" | "keep_best">
  & Partial<Pick<CheckpointConfig, "at">>;

/** What is known of a checkpoint when it is decided which ones go. */
export interface Candidate {
  readonly step: number;
  /** Loss on validation data in nats per token; null where there is none. */
  readonly valLoss: number | null;
  /** Whether every byte of it was read back and is as it must be. */
  readonly verified: boolean;
}

/** For tests, and to remember what was verified from save to save. */
export interface RetentionOptions {
  readonly verified?: VerifiedSteps;
  readonly disk?: Disk;
  /** The last step whose state gave a loss that is finite: later ones do not count. */
  readonly sound?: number;
}

/**
 * The steps that go, newest first. What stays: the `keep` newest that verify and all that is newer
 * than they are; every step that `keep_every` divides or `at` names; with `keep_best` the one with the lowest
 * validation loss of those that verify, the newer of equal ones. While fewer than `keep` verify
 * nothing goes. Throws RangeError when `keep` is below 1 or `keep_every` below 0.
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

/** The oldest of the `keep` newest that verify; undefined while there are fewer. */
function oldestKept(found: readonly Candidate[], keep: number): number | undefined {
  return found.filter(({ verified }) => verified).map(({ step }) => step)
    .sort((a, b) => b - a)[keep - 1];
}

/** Those with a validation loss, the lowest first, the newer of equal ones first. */
export function bestFirst<T extends Candidate>(found: readonly T[]): T[] {
  return found.filter(({ valLoss }) => valLoss !== null)
    .sort((a, b) => (a.valLoss as number) - (b.valLoss as number) || b.step - a.step);
}

/**
 * Applies a policy to the checkpoints under `root` and gives the steps that it removed, newest
 * first; a number keeps that many of the newest. Reads back what must verify, unless `verified`
 * remembers it.
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
  const doomed = toRemove(found, full);
  const paths = listed.filter(({ step }) => doomed.includes(step)).map(({ path }) => path);
  const outlived = await undoneBefore(root, oldestKept(found, full.keep) ?? 0);
  await discard(root, { paths: [...paths, ...outlived], disk });
  return doomed;
}

/** Checkpoints that were set aside as undone, of steps that the run has passed again. */
async function undoneBefore(root: string, step: number): Promise<string[]> {
  return (await fileNamesIn(root)).filter((name) => (undoneStepOf(name) ?? step) < step)
    .map((name) => join(root, name));
}

/** Reads back as few checkpoints as the decision needs: it may be gigabytes each. */
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
 * Sets all checkpoints of later steps than `step` aside, newest first: they are never loaded again,
 * and stay until retention removes them, once newer ones of the run verify.
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
 * Renamed first, and the renames synced: a removal that is cut short, by a kill or by the power,
 * leaves no half checkpoint under a step's name.
 */
async function discard(
  root: string,
  { paths, disk }: { paths: readonly string[]; disk: Disk },
): Promise<void> {
  if (paths.length === 0) return;
  const trash = paths.map((path) => join(root, asideName(STEP_PREFIX.removing, plainName(path))));
  for (const [i, path] of paths.entries()) await disk.rename(path, trash[i] as string);
  await disk.syncFolder(root);
  for (const path of trash) await removed(path, disk);
}

/** The name of a step's folder, also of one that was set aside. */
function plainName(path: string): string {
  const name = basename(path);
  const step = undoneStepOf(name);
  return step === undefined ? name : stepName(step);
}

/** Removes what a killed process left half written or half removed; gives the names. */
export async function cleanLeftovers(root: string, disk: Disk = DISK): Promise<string[]> {
  const gone = [];
  for (const name of (await fileNamesIn(root)).filter(isLeftover)) {
    if (await removed(join(root, name), disk)) gone.push(name);
  }
  return gone;
}

/**
 * Removes a folder, or a link and nothing of what it leads to. False where the system will not yet,
 * as with `.nfs` files of a reader elsewhere: the next start tries again, and nothing depends on it.
 */
async function removed(path: string, disk: Disk): Promise<boolean> {
  try {
    await disk.remove(path);
    return true;
  } catch (error) {
    if (writingFault(error, {}) !== undefined) return false;
    throw error;
  }
}
