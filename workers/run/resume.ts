/**
 * Finds where a run goes on: at its newest good checkpoint, or at step 0 where there never was one.
 * Records of steps that will be repeated are kept in copies. Needs the run's lock.
 */
import { basename, join } from "node:path";
import { minOf } from "../../src/base/extremes.ts";
import { UserError } from "../../src/base/user_error.ts";
import { fileNamesIn } from "../../src/checkpoint/files.ts";
import { lockedDisk } from "../../src/checkpoint/lock/locked_disk.ts";
import { listCheckpoints, loadNewest, type LoadOptions } from "../../src/checkpoint/load.ts";
import type { RunLock } from "../../src/checkpoint/lock/lock.ts";
import { damagedStepOf, stepOf } from "../../src/checkpoint/names.ts";
import { requirePathKinds, RUN_PATHS } from "../../src/checkpoint/path_kinds.ts";
import { setAsideAfter } from "../../src/checkpoint/retention.ts";
import { NonFiniteState } from "../../src/checkpoint/non_finite.ts";
import type { Checkpoint } from "../../src/checkpoint/verify.ts";
import { copyAside, setAsideTogether } from "../../src/report/backup.ts";
import { readIfAny } from "../../src/report/atomic.ts";
import type { EventSink } from "../../src/report/events.ts";
import { parseJournal } from "../../src/report/journal/journal.ts";
import { keptLines } from "../../src/report/metrics.ts";
import { RECORDS, requireOwn } from "../../src/artifacts/folder_owner.ts";
import { type RecordedDecision, recordedIn } from "./journal/recorded.ts";
import type { Note } from "../group/options.ts";
import { validateState } from "../../src/artifacts/validate_state.ts";

/** The decisions that a checkpoint must agree with, and where disagreements are reported. */
export interface Decided {
  /** Steps that were decided to be skipped. */
  readonly skips: ReadonlySet<number>;
  /** The decisions as the journal records them. */
  readonly decisions?: readonly RecordedDecision[];
  readonly show: EventSink;
  /** Writes to the journal. */
  readonly note: (kind: string, note: Note) => void;
  /** The run's lock. */
  readonly lock: Pick<RunLock, "check">;
}

/**
 * The newest good checkpoint of the run in `out`, or undefined when it may begin at step 0. Checkpoints
 * that contain a step that is skipped now are set aside.
 * @throws {UserError} `incompatible` when there were checkpoints and none verifies, and when the newest
 * one contradicts the journal; `locked` once the lock is lost, because a folder that was moved away has
 * no checkpoints and must not look like a new run.
 */
export async function newestOf(
  out: string,
  { skips, decisions = [], show, note, lock }: Decided,
): Promise<Checkpoint | undefined> {
  const disk = lockedDisk(lock);
  const root = join(out, "checkpoints");
  let lost = 0;
  const onSkip = (path: string, reason: string, error: unknown) => {
    lost++;
    show({ type: "notice", text: `Skipped the damaged checkpoint ${path}: ${reason}` });
    // A ruined checkpoint has no usable state: restarting from step 0 loses nothing.
    const step = stepOf(basename(path));
    if (error instanceof NonFiniteState && step !== undefined) note("set_aside", { steps: [step] });
  };
  while ((await listCheckpoints(root)).length > 0) {
    const found = await loadUnlessDamaged(root, { onSkip, disk });
    if (found === undefined) break;
    const { step, skipped } = found.manifest;
    const undone = [...skips].filter((each) => each < step && !skipped.includes(each));
    if (undone.length === 0) {
      lock.check();
      if (lost > 0) keepRecords(out, { step, show });
      return found;
    }
    requireAgreed(found, { out, undone, decisions });
    // The decision comes from a file that may be wrong, so records are kept as for a damaged one.
    if (decisions.length > 0) lost++;
    const first = minOf(undone);
    const aside = await setAsideAfter(root, first, { disk });
    const names = aside.map(({ name }) => name);
    const text = `Set aside the checkpoints after step ${first}, which is passed over: ` +
      `they are kept in ${root} as ${names.join(" and ")} until newer ones verify`;
    show({ type: "notice", text });
    note("set_aside", { steps: aside.map(({ step }) => step) });
  }
  lock.check();
  await requireNoneLost(out);
  if ((await fileNamesIn(root)).length > 0) keepRecords(out, { step: 0, show });
  return undefined;
}

/**
 * A skip is decided when the run reaches the step, so every later checkpoint must list it.
 * @throws {UserError} `incompatible` for a later checkpoint that does not.
 */
function requireAgreed(
  { path, manifest }: Checkpoint,
  { out, undone, decisions }: {
    out: string;
    undone: readonly number[];
    decisions: readonly RecordedDecision[];
  },
): void {
  const wrong = decisions.find(({ step, skips }) =>
    step < manifest.step && skips.some((each) => undone.includes(each))
  );
  if (wrong === undefined) return;
  throw new UserError(
    "incompatible",
    `Cannot resume ${out}: need a journal of its checkpoints: journal.jsonl says that step ` +
      `${wrong.step} was passed over, ${path}, which is verified, says that it was not: bring the ` +
      "right journal back, or move it away to go on with what the checkpoint says",
  );
}

/** The newest good checkpoint; undefined when none verifies and all are set aside. */
async function loadUnlessDamaged(
  root: string,
  options: Pick<LoadOptions, "onSkip" | "disk">,
): Promise<Checkpoint | undefined> {
  try {
    return await loadNewest(root, { ...options, judge: validateState });
  } catch (error) {
    const isNone = error instanceof UserError && error.exit === "incompatible";
    // Checkpoints of another version are left in place.
    if (isNone && (await listCheckpoints(root)).length === 0) return undefined;
    throw error;
  }
}

/** Copies the records aside if they have lines of steps that will be repeated. */
function keepRecords(out: string, { step, show }: { step: number; show: EventSink }): void {
  const metrics = readIfAny(join(out, "metrics.jsonl"));
  if (keptLines(metrics, step) === metrics) return; // nothing was recorded after `step`
  const kept = ["metrics.jsonl", "samples.jsonl"].flatMap((name) =>
    copyAside(join(out, name)) ?? []
  );
  if (kept.length === 0) return;
  const text = `Steps after ${step} are done again: what was recorded is kept as ${
    kept.join(" and ")
  }`;
  show({ type: "notice", text });
}

/** @throws {UserError} `incompatible` when beginning at step 0 would repeat steps that were saved. */
export async function requireNoneLost(out: string): Promise<void> {
  const lost = await lostIn(out);
  if (lost === undefined) return;
  throw new UserError(
    "incompatible",
    `Cannot resume ${out}: need a checkpoint that verifies: ${lost}: bring a good copy back, or begin ` +
      `at step 0 with --restart=${out}, which keeps what is there under other names`,
  );
}

/**
 * The evidence that a folder without a good checkpoint had one; undefined without any. `metrics`:
 * whether metrics without a journal count (default true).
 */
export async function lostIn(
  out: string,
  { metrics = true }: { readonly metrics?: boolean } = {},
): Promise<string | undefined> {
  const names = await fileNamesIn(join(out, "checkpoints"));
  const journal = readIfAny(join(out, "journal.jsonl"));
  const parsed = parseJournal(journal);
  const { saved, fault = parsed.fault } = recordedIn(parsed);
  return lostWhen({
    damaged: names.filter((name) => damagedStepOf(name) !== undefined),
    saved,
    fault,
    ended: (await fileNamesIn(out)).includes("summary.json"),
    untold: metrics && journal.trim() === "" && readIfAny(join(out, "metrics.jsonl")).trim() !== "",
  });
}

/** What is left of a run without a good checkpoint. */
export interface Remains {
  /** Names of damaged checkpoints that were set aside. */
  readonly damaged: readonly string[];
  /** Steps that were saved and not removed since, by its journal. */
  readonly saved: readonly number[];
  /** What is wrong with its journal. */
  readonly fault?: string | undefined;
  /** Whether there is a summary, which is written after the last checkpoint. */
  readonly ended: boolean;
  /** Whether there are metrics without a journal that would record saves. */
  readonly untold: boolean;
}

/** The evidence of {@linkcode lostIn} in what is left. Pure. */
export function lostWhen({ damaged, saved, fault, ended, untold }: Remains): string | undefined {
  if (damaged.length > 0) {
    const newest = damaged.toSorted().at(-1);
    return `${damaged.length} are damaged and set aside in its folder checkpoints (${newest})`;
  }
  const last = saved.at(-1);
  if (last !== undefined) return `its journal says that step ${last} was saved, but none is there`;
  if (fault !== undefined) return `its journal is damaged, so it may have saved some: ${fault}`;
  if (ended) return "its summary.json is of a run that was saved, but none is there";
  return untold ? "it has metrics, but neither a checkpoint nor a journal" : undefined;
}

/** Sets all records of a run aside, so that it can begin at step 0; its config is copied. */
export function setRunAside(out: string, show: EventSink): void {
  copyAside(join(out, "config.json"));
  const kept = setAsideTogether(out, RECORDS);
  if (kept.length === 0) return;
  show({ type: "notice", text: `What ${out} recorded is kept there as ${kept.join(", ")}` });
}

/**
 * @throws {UserError} `config` for links and pipes where a run writes. A restart sets all of them aside
 * but the config, which it reads and rewrites.
 */
export function requireRunPlaces(
  out: string,
  { restart, followLinks }: { readonly restart: boolean; readonly followLinks: boolean },
): void {
  requirePathKinds(out, restart ? { files: ["config.json"], folders: [] } : RUN_PATHS, {
    doing: "Cannot resume",
    followLinks,
    hint: "put what it leads to in its place, or allow to write through links by --follow-links",
  });
}

/** Requires a run in `out`. One that was killed before its first checkpoint resumes at step 0. */
export async function requireRun(
  out: string,
  { restart = false, followLinks = false }: {
    readonly restart?: boolean;
    readonly followLinks?: boolean;
  } = {},
): Promise<void> {
  requireOwn(out, { own: "a run", doing: "Cannot resume", need: "the folder of a run" });
  requireRunPlaces(out, { restart, followLinks });
  const found = await listCheckpoints(join(out, "checkpoints"));
  if (found.length > 0 || (await fileNamesIn(out)).includes("config.json")) return;
  throw new UserError("config", `Cannot resume ${out}: it must hold a run, but none is there`);
}

/** @throws {UserError} `config` for a folder with records of a run. */
export async function requireEmpty(out: string): Promise<void> {
  const names = await fileNamesIn(out);
  if (names.some((name) => RECORDS.some((record) => record === name))) {
    throw new UserError(
      "config",
      `Cannot start in ${out}: it holds a run already: go on with --resume=${out}, or choose ` +
        "another --out",
    );
  }
  if (!names.includes("config.json")) return;
  throw new UserError(
    "config",
    `Cannot start in ${out}: need a folder without config.json, which a run writes: choose another --out`,
  );
}
