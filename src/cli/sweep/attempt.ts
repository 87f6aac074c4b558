/** Runs one attempt of a trial: prepares its folder, starts its process, waits for the end. */
import { lostIn } from "../../../workers/run/resume.ts";
import { fileFault, isMissing, reasonOf } from "../../base/file_fault.ts";
import { UserError } from "../../base/user_error.ts";
import { Damage } from "../../checkpoint/damage.ts";
import type { RunLock } from "../../checkpoint/lock/lock.ts";
import { requirePathKinds, RUN_PATHS } from "../../checkpoint/path_kinds.ts";
import { branchPointsOf, type TrialProgress, untilOf } from "../../sweep/trial_progress.ts";
import type { Books } from "./books.ts";
import { type Child, startChild } from "./child.ts";
import type { SweepMeter } from "./meter.ts";
import {
  branch,
  forgetHalfBranch,
  lockTrial,
  readTrial,
  savedStepsOf,
  writeConfig,
} from "./trial_folder.ts";

/** Seconds that a trial may take to end beyond its own grace. */
const PATIENCE = 15;

/** Cards that are taken until disposed. */
export interface Lease extends Disposable {
  readonly gpus: readonly string[];
}

/** What an attempt is made with. */
export interface AttemptOptions {
  readonly books: Books;
  readonly standings: ReadonlyMap<string, TrialProgress>;
  readonly meter: SweepMeter;
  /** Whether trials may begin where another one has been. */
  readonly trunks: boolean;
  /** Places that the trial has. */
  readonly places: number;
  /** Cards that it may have, by name; none where all share what the driver offers. */
  readonly cards: (workers: number) => Lease;
  /** Threads of its driver; by default the driver's choice. */
  readonly threads: number | undefined;
  readonly reason: string;
  readonly stop: AbortSignal;
  /** Called with the step that it resumes from, before its process starts. */
  readonly started: (from: number) => void;
}

/** Trains up to the trial's rung; one that cannot be started has ended as well. */
export async function attempt(
  one: TrialProgress,
  options: AttemptOptions,
): Promise<{ readonly code: number; readonly error: string }> {
  try {
    return await once(one, options);
  } catch (error) {
    const fault = fileFault(error);
    if (!(fault instanceof UserError)) throw error;
    return { code: -1, error: fault.message };
  }
}

async function once(
  one: TrialProgress,
  options: AttemptOptions,
): Promise<{ readonly code: number; readonly error: string }> {
  const { key, name, config } = one.trial;
  const { books, meter, places, cards, threads, reason, stop, started } = options;
  const folder = books.folder(key);
  const until = untilOf(one);
  const from = await prepare(one, options);
  // A process that outlived its sweep may have finished the trial.
  if (readTrial(folder).steps >= until || stop.aborted) return { code: 0, error: "" };
  const workers = Math.min(places, config.micro_batches);
  const start = performance.now();
  books.journal.write({ kind: "start", key, name, from, until, workers, reason });
  started(from);
  using lease = cards(workers);
  const child = startChild({ folder, until, workers, gpus: lease.gpus, threads });
  const idle = meter.work(places);
  using _leash = held(child, { stop, seconds: config.recovery.grace_s + PATIENCE });
  const end = await child.ended;
  idle();
  const seconds = Math.round(performance.now() - start) / 1000;
  one.seconds += seconds;
  books.journal.write({ kind: "ended", key, code: end.code, seconds });
  return end;
}

/** Lets a process save and end when it is time to stop; one that does not in time is killed. */
function held(child: Child, { stop, seconds }: { stop: AbortSignal; seconds: number }): Disposable {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const onStop = () => {
    child.stop();
    timer = setTimeout(() => child.kill(), 1000 * seconds);
  };
  if (stop.aborted) onStop();
  else stop.addEventListener("abort", onStop, { once: true });
  return {
    [Symbol.dispose]() {
      clearTimeout(timer);
      stop.removeEventListener("abort", onStop);
    },
  };
}

/** Prepares the folder for a resume; returns the step to resume from. */
async function prepare(one: TrialProgress, options: AttemptOptions): Promise<number> {
  const { key, config } = one.trial;
  const { books, trunks, stop } = options;
  const folder = books.folder(key);
  books.check();
  requirePathKinds(books.folder(""), { files: [], folders: [key] }, { doing: "Cannot train in" });
  requirePathKinds(folder, RUN_PATHS, { doing: "Cannot train in" });
  using lock = await lockTrial(folder, { seconds: config.recovery.grace_s + PATIENCE, stop });
  lock.check();
  await writeConfig(folder, config);
  one.checkpoints = await savedStepsOf(folder);
  // If checkpoints were lost, the trial itself reports it: do not repeat its steps silently.
  if (one.checkpoints.length === 0 && await lostIn(folder, { metrics: false }) === undefined) {
    forgetHalfBranch(folder);
    if (trunks) await branchOff(one, { ...options, lock });
  }
  return one.checkpoints[0] ?? 0;
}

/** Begins at the latest good state of a sibling, if there is any. */
async function branchOff(
  one: TrialProgress,
  { books, standings, lock }: AttemptOptions & { lock: RunLock },
): Promise<void> {
  const { key, config } = one.trial;
  for (const from of branchPointsOf(one, Array.from(standings.values()))) {
    const { key: trunk, step } = from;
    try {
      await branch(books.folder(key), { trunk: books.folder(trunk), step, config, lock });
    } catch (error) {
      if (!(error instanceof Damage) && !isMissing(error)) throw error;
      books.journal.write({ kind: "not_branched", key, trunk, step, reason: reasonOf(error) });
      continue;
    }
    one.trunk = from;
    one.checkpoints = await savedStepsOf(books.folder(key));
    books.journal.write({ kind: "branched", key, trunk, step });
    return;
  }
}
