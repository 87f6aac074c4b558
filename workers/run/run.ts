/**
 * A whole run with its effects: folder, lock, data, processes, checkpoints, journal and reports.
 * What is trained is the coordinator's matter; what is asked for, the command line's.
 */
import { join } from "node:path";
import { heldDisk } from "../../src/checkpoint/lock/held_disk.ts";
import { lockRun, type RunLock } from "../../src/checkpoint/lock/lock.ts";
import { placeOf } from "../../src/checkpoint/places.ts";
import { cleanLeftovers } from "../../src/checkpoint/retention.ts";
import type { Checkpoint } from "../../src/checkpoint/verify.ts";
import { anchored } from "../../src/config/paths.ts";
import type { RunConfig } from "../../src/config/schema.ts";
import type { PinnedCard } from "../../src/cards/pin.ts";
import { refusing, writingFault } from "../../src/base/file_fault.ts";
import { hashValue, sealed } from "../../src/base/hash.ts";
import { UserError } from "../../src/base/user_error.ts";
import { unshare, writeJsonAtomic } from "../../src/report/atomic.ts";
import type { EventSink } from "../../src/report/events.ts";
import { metricsLog } from "../../src/report/jsonl.ts";
import { sampleLine } from "../../src/report/metrics.ts";
import { reporter } from "../../src/report/reporter.ts";
import { summaryOf } from "../../src/report/summary.ts";
import { clearControl, openControl, requireControl } from "./control.ts";
import type { ControlCommand, ControlOptions } from "./control.ts";
import { coordinate } from "../coordinator/coordinator.ts";
import type { Elastic, RunOutcome } from "../coordinator/context.ts";
import type { LaunchWorkers, WorkerProcesses } from "../launch/processes.ts";
import { beginning } from "../../src/artifacts/beginning.ts";
import type { Beginning } from "../../src/artifacts/beginning.ts";
import { Faults } from "../faults/plan.ts";
import type { FaultPlan } from "../faults/schema.ts";
import { unevaluatedLines } from "../../src/corpus/evaluable.ts";
import { newestOf, requireEmpty, requireRun, setRunAside } from "./resume.ts";
import { headerOf } from "./header.ts";
import { requireOwn } from "../../src/artifacts/folder_owner.ts";
import { LateJournal } from "./late_journal.ts";
import { otherBits } from "../protocol/identity.ts";
import { isDone, requireSameConfig, requireSameRun, summedUp } from "./resumable.ts";
import { requireRoom } from "./room.ts";
import { foldersOf } from "../../src/corpus/folder_text.ts";
import { saver } from "./saver.ts";
import { changedConfig, keepConfig } from "./stored_config.ts";
import type { Note } from "../group/options.ts";

/** What a run is asked to do. */
export interface RunRequest {
  readonly config: RunConfig;
  /** False leaves the number of workers out of what is stored: a resume may take another. */
  readonly saysWorkers?: boolean;
  /** The run's folder. */
  readonly out: string;
  /** Go on from the newest good checkpoint in `out`. */
  readonly resume: boolean;
  /** Begin the run in `out` at step 0 once more; what it recorded is kept beside. */
  readonly restart?: boolean;
  /** Write through symbolic links in the run's folder, which are refused by default. */
  readonly followLinks?: boolean;
  readonly launch: LaunchWorkers;
  /** A card for each worker slot; none where workers share what the driver offers first. */
  readonly cards?: readonly PinnedCard[];
  /** Shows the run to a person. */
  readonly show: EventSink;
  /** What is to be said below the header. */
  readonly notices?: readonly string[];
  /** Aborted when the run is to end after its step. */
  readonly stop: AbortSignal;
  /** For tests: what is to go wrong. */
  readonly faults?: FaultPlan;
}

/** Files that a run appends to. */
const APPENDED = ["metrics.jsonl", "samples.jsonl", "journal.jsonl"];

/** Runs to the end, or until asked to stop. @throws {UserError} for what the user can mend. */
export async function runTraining(request: RunRequest): Promise<void> {
  const { config, out, resume, restart = false, followLinks = false, show } = request;
  if (resume || restart) await requireRun(out, { restart, followLinks });
  else requireOwn(out, { own: "a run", doing: "Cannot start in" });
  requireControl(out);
  show({ type: "doing", what: "reading the data" });
  const fresh = resume ? undefined : await beginning(config);
  using lock = await lockRun(out);
  try {
    if (restart) setRunAside(out, show);
    else if (!resume) await requireEmpty(out);
    lock.hold("checkpoints", { followLinks });
    await cleanLeftovers(join(out, "checkpoints"), heldDisk(lock));
    clearControl(out);
    using journal = new LateJournal(placeOf(join(out, "journal.jsonl"), followLinks), {
      out,
      show,
      lock,
    });
    const skips = new Set(journal.skips);
    const note = (kind: string, rest: Note) => journal.write({ kind, ...rest });
    const { decisions } = journal;
    const from = resume ? await newestOf(out, { skips, decisions, show, note, lock }) : undefined;
    if (resume && from === undefined) {
      show({ type: "notice", text: `No checkpoint is in ${out} yet: beginning at step 0` });
    }
    const changed = resume ? changedConfig(out, { written: journal.config, from }) : undefined;
    if (changed !== undefined) show({ type: "notice", text: changed });
    if (from !== undefined) {
      requireSameConfig(from, config);
      if (isDone(from, config) && summedUp(out) === config.steps) {
        const text = `Nothing left to train: ${out} has finished step ${config.steps}; ` +
          `a larger number of steps goes on, as --steps=${2 * config.steps}`;
        return show({ type: "notice", text });
      }
    }
    const { data, initial } = fresh ?? await beginning(config, from);
    if (from !== undefined) requireSameRun(from, { config, data });
    for (const text of [...data.notes, ...unevaluatedLines(config, data.corpus)]) {
      show({ type: "notice", text });
    }
    const began = await train(request, { data, from, initial, journal, note, lock });
    if (!began) lock.removeUnused();
  } catch (error) {
    lock.removeUnused();
    throw error;
  }
}

/** Trains; false when it was stopped before anything was there to keep. */
async function train(
  request: RunRequest,
  { data, from, initial, journal, note, lock }: Beginning & {
    from: Checkpoint | undefined;
    journal: LateJournal;
    lock: RunLock;
    note: (kind: string, rest: Note) => void;
  },
): Promise<boolean> {
  const { config, saysWorkers = true, out, launch, cards = [], show, stop } = request;
  const kept = anchored({ ...config, out }, Deno.cwd());
  const { workers: _workers, ...elsewhere } = kept;
  const { vocabulary } = data.corpus;
  const stored = saysWorkers ? kept : elsewhere;
  const check = () => lock.check();
  const warn = (text: string) => show({ type: "notice", text });
  const placed = (name: string) => placeOf(join(out, name), request.followLinks ?? false);
  using metrics = metricsLog(placed("metrics.jsonl"), { warn, check });
  using samples = metricsLog(placed("samples.jsonl"), { warn, check, line: sampleLine });
  const tell = reporter([metrics.sink, samples.sink, show, adapterNotice(from, show)]);
  const report: EventSink = (event) => {
    // Only now is it sure that the workers can run this config: one that cannot leaves no trace.
    if (event.type === "start") {
      if (request.resume && from === undefined) keepConfig(out, config);
      refusing({ doing: "write to", path: out }, () => {
        writeJsonAtomic(placed("config.json"), stored);
      });
    }
    tell(event);
    // What led to a checkpoint is on the disk before it is, as the metrics are.
    if (event.type === "saving") journal.sync();
  };
  const at = { out, from: from?.manifest.step ?? 0 };
  show({ type: "header", rows: headerOf(config, data.corpus, at) });
  for (const text of request.notices ?? []) show({ type: "notice", text });
  warnOfSchedule(config, show);
  const start = performance.now();
  const now = () => (performance.now() - start) / 1000;
  const faults = new Faults(request.faults);
  let control: { close(): void } | undefined;
  let want: Elastic | undefined;
  try {
    const end = await coordinate({
      config,
      corpus: data.corpus,
      launch: async (options, onEvent) => {
        const reads = foldersOf(data.corpus.texts);
        const crew = await launch({ ...options, reads }, onEvent);
        control = await openDoor(crew, { out, check, command: (c) => change(c, want) });
        return crew;
      },
      cards,
      from,
      initial,
      skips: [...from?.manifest.skipped ?? [], ...journal.skips],
      report: (event) => {
        if (event.type === "start") {
          check();
          for (const name of APPENDED) unshare(placed(name));
          journal.begin(event.run, hashValue(stored));
        }
        report(event);
      },
      ready: () => requireRoom(out, config, { vocabulary, disk: heldDisk(lock) }),
      lost: lock.lost,
      note: (kind, note, sync) => journal.write({ kind, ...note }, { sync: sync ?? false }),
      stop,
      ...saver({
        config: kept,
        out,
        disk: heldDisk(lock),
        data,
        report,
        faults,
        note,
      }),
      reload: (skips) => newestOf(out, { skips, show, note, lock }),
      now,
      faults,
      elastic: (change) => want = change,
    });
    if (!end.idle) journal.write({ kind: "end", step: end.step, state: end.stateHash });
    lock.check();
    return finish(end, {
      out,
      config,
      report,
      show,
      seconds: now(),
      summary: placed("summary.json"),
    });
  } finally {
    control?.close();
  }
}

function finish(
  end: RunOutcome,
  { out, summary: path, config, report, show, seconds }: {
    out: string;
    /** Where the summary is written to. */
    summary: string;
    config: RunConfig;
    report: EventSink;
    show: EventSink;
    seconds: number;
  },
): boolean {
  if (end.idle) {
    show({ type: "notice", text: "Stopped before the first step: nothing was trained" });
    return false;
  }
  const summary = summaryOf({ ...end, steps: end.step, workers: config.workers, seconds });
  const fault = summaryFault(path, sealed(summary));
  report({ type: "end", summary });
  const text = fault !== undefined
    ? `${fault}; the state is saved, and --resume=${out} writes it`
    : end.stopped
    ? `Stopped at step ${end.step}: go on with --resume=${out}`
    : `Everything lies in ${out}: checkpoints, metrics.jsonl, config.json, summary.json`;
  show({ type: "notice", text });
  return true;
}

/** Writes the summary; gives why the disk does not take it: what was trained is saved by then. */
function summaryFault(path: string, summary: unknown): string | undefined {
  try {
    writeJsonAtomic(path, summary);
    return undefined;
  } catch (error) {
    const fault = writingFault(error, { doing: "write", path });
    if (fault === undefined) throw error;
    return fault.message;
  }
}

/** Lets the owner in; a crew without sockets has no door. */
async function openDoor(
  { folder }: WorkerProcesses,
  options: Omit<ControlOptions, "folder">,
): Promise<{ close(): void } | undefined> {
  return folder === undefined ? undefined : await openControl({ folder, ...options });
}

function change({ change }: ControlCommand, elastic: Elastic | undefined): string {
  if (elastic === undefined) throw new UserError("config", "Cannot change workers: the run begins");
  return elastic((now) =>
    "set" in change ? change.set : "add" in change ? now + change.add : now - change.remove
  );
}

function adapterNotice(from: Checkpoint | undefined, show: EventSink): EventSink {
  return (event) => {
    if (event.type !== "start" || from === undefined) return;
    for (const text of otherBits(from.manifest, event.run)) {
      show({ type: "notice", text });
    }
  };
}

function warnOfSchedule({ steps, optim }: RunConfig, show: EventSink): void {
  if (optim.schedule === "constant" || steps <= optim.decay_steps) return;
  const text = `The learning rate reaches its minimum at step ${optim.decay_steps} ` +
    `(optim.decay_steps) and stays there until step ${steps}`;
  show({ type: "notice", text });
}
