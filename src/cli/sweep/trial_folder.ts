/** The folder of a trial: an ordinary run's. Reads what is in it, and makes it begin at a checkpoint. */
import { join } from "node:path";
import { maxOf } from "../../base/extremes.ts";
import { sealFault } from "../../base/hash.ts";
import { parseJsonText } from "../../base/text/json.ts";
import { UserError } from "../../base/user_error.ts";
import { saveCheckpoint } from "../../checkpoint/commit.ts";
import { makeFolders } from "../../checkpoint/files.ts";
import { lockedDisk } from "../../checkpoint/lock/locked_disk.ts";
import { listCheckpoints } from "../../checkpoint/load.ts";
import { lockRun, type RunLock } from "../../checkpoint/lock/lock.ts";
import { stepName } from "../../checkpoint/names.ts";
import { configDifferences, configHash } from "../../config/identity.ts";
import { anchored } from "../../config/paths.ts";
import { resolveStored } from "../../config/resolve.ts";
import type { RunConfig } from "../../config/schema.ts";
import { setAside } from "../../report/backup.ts";
import { readIfAny, writeJsonAtomic, writeTextAtomic } from "../../report/atomic.ts";
import { keptLines } from "../../report/metrics.ts";
import { openValidated } from "../../artifacts/validate_state.ts";

/** The one math key in which a trunk and its branches differ. */
const LENGTH = "optim.decay_steps: ";
/** Milliseconds between two looks at a lock. */
const PATIENCE = 100;

/** How far the runs in a folder have come. */
export interface TrialReading {
  /** Of the summary: all steps, where the run has come to its end. */
  readonly steps: number;
  readonly stateHash: string | null;
  readonly workers: number;
  /** Of the last step, in nats per token. */
  readonly loss: number | null;
  /** Validation losses by step. */
  readonly valLosses: ReadonlyMap<number, number>;
}

/** Where the checkpoints of a trial lie. */
export function checkpointsOf(folder: string): string {
  return join(folder, "checkpoints");
}

/**
 * What a trial's files say; nothing where it was never begun. @throws {UserError} `data` for a summary
 * that does not match its seal: it would say that a trial is done which is not.
 */
export function readTrial(folder: string): TrialReading {
  const path = join(folder, "summary.json");
  const summary = parsed(readIfAny(path));
  const fault = sealFault(summary);
  if (fault !== undefined) {
    throw new UserError(
      "data",
      `Cannot read ${path}: need what the trial wrote: ${fault}: remove it, and the trial ends again ` +
        "from its checkpoint",
    );
  }
  const lines = readIfAny(join(folder, "metrics.jsonl")).split("\n").map(parsed);
  const pairs = lines.flatMap(({ step, val_loss }): [number, number][] =>
    typeof step === "number" && typeof val_loss === "number" ? [[step, val_loss]] : []
  );
  const steps = numberOr(summary["steps"], 0);
  const last = lines.findLast((line) => line["step"] === steps && typeof line["loss"] === "number");
  const hash = summary["state_hash"];
  return {
    steps,
    stateHash: typeof hash === "string" ? hash : null,
    workers: numberOr(summary["workers"], 0),
    loss: numberOr(summary["loss"], null) ?? numberOr(last?.["loss"], null),
    valLosses: new Map(pairs),
  };
}

/** Bytes at the end of metrics.jsonl that hold its last line. */
const TAIL = 4096;

/** The last step that a trial has reported; 0 where there is none. */
export function lastStep(folder: string): number {
  try {
    using file = Deno.openSync(join(folder, "metrics.jsonl"));
    const { size } = file.statSync();
    file.seekSync(Math.max(0, size - TAIL), Deno.SeekMode.Start);
    const bytes = new Uint8Array(TAIL);
    const text = new TextDecoder().decode(bytes.subarray(0, file.readSync(bytes) ?? 0));
    const steps = text.split("\n").map((line) => numberOr(parsed(line)["step"], 0));
    return maxOf(steps);
  } catch {
    return 0; // It is not there yet.
  }
}

function parsed(text: string): Readonly<Record<string, unknown>> {
  try {
    return Object(parseJsonText(text));
  } catch {
    return {}; // Torn by a kill, or not there.
  }
}

function numberOr<T>(value: unknown, other: T): number | T {
  return typeof value === "number" ? value : other;
}

/**
 * Locks a trial's folder. Its process may have outlived the sweep that started it: it has lost its
 * leash, ends by itself, and is waited for.
 */
export async function lockTrial(
  folder: string,
  { seconds, stop }: { seconds: number; stop: AbortSignal },
): Promise<RunLock> {
  const end = performance.now() + 1000 * seconds;
  for (;;) {
    try {
      return await lockRun(folder);
    } catch (error) {
      const isLocked = error instanceof UserError && error.exit === "locked";
      if (!isLocked || stop.aborted || performance.now() > end) throw error;
      await new Promise((resolve) => setTimeout(resolve, PATIENCE));
    }
  }
}

/** Steps of a trial's checkpoints, newest first; nothing in them was checked. */
export async function savedStepsOf(folder: string): Promise<number[]> {
  return (await listCheckpoints(checkpointsOf(folder))).map(({ step }) => step);
}

/** Writes a trial's config, with which `train --resume` begins or resumes it. */
export async function writeConfig(folder: string, config: RunConfig): Promise<void> {
  await makeFolders(folder);
  writeJsonAtomic(join(folder, "config.json"), anchored(config, Deno.cwd()));
}

/**
 * Lets a trial begin with a state of its trunk: a verified copy of the checkpoint, under the trial's
 * own config, and the metrics up to there. Needs the trial's lock. @throws {UserError}
 * `incompatible` when the two differ in more than their length; Damage when the checkpoint is damaged.
 */
export async function branch(
  folder: string,
  { trunk, step, config, lock }: {
    trunk: string;
    step: number;
    config: RunConfig;
    lock: Pick<RunLock, "check">;
  },
): Promise<void> {
  const path = join(checkpointsOf(trunk), stepName(step));
  const { manifest, model, optimizer } = await openValidated(path);
  const before = resolveStored(manifest.config);
  const changed = configDifferences(before, config).filter((text) => !text.startsWith(LENGTH));
  if (changed.length > 0) {
    throw new UserError("incompatible", `Cannot branch off ${path}: ${changed.join("; ")}`);
  }
  const metrics = keptLines(readIfAny(join(trunk, "metrics.jsonl")), step);
  lock.check();
  // Steps of an attempt that was killed before its first checkpoint.
  setRecordsAside(folder);
  writeTextAtomic(join(folder, "metrics.jsonl"), metrics);
  await saveCheckpoint(checkpointsOf(folder), {
    manifest: { ...manifest, config: anchored(config, Deno.cwd()), configHash: configHash(config) },
    model: Array.from(model.values()),
    optimizer: Array.from(optimizer.values()),
  }, { disk: lockedDisk(lock) });
}

/**
 * Sets the metrics aside that `branch` had written when it was killed before its checkpoint was there:
 * without a journal beside them a resume would take the trial's checkpoints for lost.
 */
export function forgetHalfBranch(folder: string): void {
  if (readIfAny(join(folder, "journal.jsonl")) === "") setRecordsAside(folder);
}

function setRecordsAside(folder: string): void {
  for (const name of ["metrics.jsonl", "samples.jsonl"]) setAside(join(folder, name));
}
