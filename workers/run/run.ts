/**
 * A whole run with its effects: claims the run's folder, finds where to begin, trains through the
 * coordinator, and writes what is left to write. The steps themselves are in workers/coordinator.
 */
import { join } from "node:path";
import type { RunStart } from "../../src/artifacts/run_start.ts";
import { openRunStart } from "../../src/artifacts/run_start.ts";
import { requireOwn } from "../../src/artifacts/folder_owner.ts";
import { lockedDisk } from "../../src/checkpoint/lock/locked_disk.ts";
import { lockRun, type RunLock } from "../../src/checkpoint/lock/lock.ts";
import { resolveOutput } from "../../src/checkpoint/path_kinds.ts";
import { cleanLeftovers } from "../../src/checkpoint/retention.ts";
import type { Checkpoint } from "../../src/checkpoint/verify.ts";
import { modelNotices } from "../../src/config/unused.ts";
import { moduleFilesOf } from "../../src/config/user/user_modules.ts";
import type { Summary } from "../../src/report/summary.ts";
import { sourceFaultAt } from "../../src/corpus/examined.ts";
import { unevaluatedLines } from "../../src/corpus/evaluable.ts";
import { foldersOf } from "../../src/corpus/folder_text.ts";
import { coordinate } from "../coordinator/coordinator.ts";
import { launchWithFaults } from "../faults/launch.ts";
import { Faults } from "../faults/plan.ts";
import { injectOwnFaults } from "../faults/self.ts";
import type { Note } from "../group/options.ts";
import type { LaunchWorkers } from "../launch/processes.ts";
import { clearControl, requireControl } from "./control.ts";
import { ElasticControl } from "./elastic.ts";
import { finishRun, IDLE } from "./finish.ts";
import { headerOf } from "./header.ts";
import { LateJournal } from "./late_journal.ts";
import { warnOfSchedule } from "./notices.ts";
import { Records } from "./records.ts";
import type { TrainingRequest } from "./request.ts";
import { isDone, requireSameConfig, requireSameRun, writtenSummary } from "./resumable.ts";
import { newestOf, requireEmpty, requireRun, setRunAside } from "./resume.ts";
import { requireRoom } from "./room.ts";
import { saver } from "./saver.ts";
import { changedConfig } from "./stored_config.ts";

export type { TrainingRequest } from "./request.ts";

/**
 * Runs to the end, or until it is stopped; returns its summary, or undefined where it was stopped
 * before its first step. @throws {UserError} for what the user can mend.
 */
export async function runTraining(request: TrainingRequest): Promise<Summary | undefined> {
  const { show, stop } = request;
  try {
    return await run(request);
  } catch (error) {
    // Of a stop only the check of modules throws the reason: a run that has begun saves and returns.
    if (!stop.aborted || error !== stop.reason) throw error;
    show({ type: "notice", text: IDLE });
    return undefined;
  }
}

async function run(request: TrainingRequest): Promise<Summary | undefined> {
  const { config, out, resume, restart = false, followLinks = false, show } = request;
  const checks = { limits: request.moduleLimits, signal: request.stop };
  if (resume || restart) await requireRun(out, { restart, followLinks });
  else requireOwn(out, { own: "a run", doing: "Cannot start in" });
  requireControl(out);
  show({ type: "doing", what: "reading the data" });
  const fresh = resume ? undefined : await openRunStart(config, undefined, checks);
  using lock = await lockRun(out);
  try {
    if (restart) setRunAside(out, show);
    else if (!resume) await requireEmpty(out);
    lock.hold("checkpoints", { followLinks });
    await cleanLeftovers(join(out, "checkpoints"), lockedDisk(lock));
    clearControl(out);
    using journal = new LateJournal(resolveOutput(join(out, "journal.jsonl"), followLinks), {
      out,
      show,
      lock,
    });
    const note = (kind: string, rest: Note) => journal.write({ kind, ...rest });
    const from = resume ? await checkpointOf(request, { journal, note, lock }) : undefined;
    if (from !== undefined) {
      requireSameConfig(from, config);
      const written = isDone(from, config) ? writtenSummary(out) : undefined;
      if (written?.steps === config.steps) {
        const text = `Nothing left to train: ${out} has finished step ${config.steps}; ` +
          `a larger number of steps goes on, as --steps=${2 * config.steps}`;
        show({ type: "notice", text });
        return written;
      }
    }
    const { data, initial } = fresh ?? await openRunStart(config, from, checks);
    if (from !== undefined) requireSameRun(from, { config, data });
    for (const text of [...data.notes, ...unevaluatedLines(config, data.corpus)]) {
      show({ type: "notice", text });
    }
    const summary = await train(request, { data, from, initial, journal, note, lock });
    // What a disk fault kept from being removed during the run is tried once more.
    await cleanLeftovers(join(out, "checkpoints"), lockedDisk(lock));
    if (summary === undefined) lock.removeUnused();
    return summary;
  } catch (error) {
    lock.removeUnused();
    throw error;
  }
}

interface RunFolder {
  readonly journal: LateJournal;
  readonly lock: RunLock;
  /** Writes to the journal. */
  readonly note: (kind: string, rest: Note) => void;
}

/** The checkpoint that a resume goes on from; undefined where it begins at step 0. */
async function checkpointOf(
  { out, show }: TrainingRequest,
  { journal, note, lock }: RunFolder,
): Promise<Checkpoint | undefined> {
  const skips = new Set(journal.skips);
  const { decisions } = journal;
  const from = await newestOf(out, { skips, decisions, show, note, lock });
  if (from === undefined) {
    show({ type: "notice", text: `No checkpoint is in ${out} yet: beginning at step 0` });
  }
  const changed = changedConfig(out, { written: journal.config, from });
  if (changed !== undefined) show({ type: "notice", text: changed });
  return from;
}

/** Trains; undefined when it was stopped before anything was there to keep. */
async function train(
  request: TrainingRequest,
  { data, from, initial, journal, note, lock }: RunStart & RunFolder & {
    readonly from: Checkpoint | undefined;
  },
): Promise<Summary | undefined> {
  const { config, out, device, cards = [], show, stop } = request;
  const { corpus } = data;
  const step = from?.manifest.step ?? 0;
  const disk = lockedDisk(lock);
  using records = new Records(request, { from, journal, lock });
  const { report } = records;
  show({
    type: "header",
    rows: headerOf(config, corpus, { out, from: step }),
  });
  for (const text of request.notices ?? []) show({ type: "notice", text });
  warnOfSchedule(config, show);
  for (const text of modelNotices(config)) show({ type: "notice", text });
  const start = performance.now();
  const now = () => (performance.now() - start) / 1000;
  using control = new ElasticControl({ out, check: () => lock.check() });
  const reads = foldersOf(corpus.texts);
  const modules = await moduleFilesOf(config);
  const faults = request.faults && new Faults(request.faults);
  const launch: LaunchWorkers = (options, onEvent) =>
    request.launch({ ...options, reads, modules }, onEvent);
  const atPoint = faults && injectOwnFaults(faults);
  const outcome = await coordinate({
    config,
    corpus,
    launch: control.wrap(faults ? launchWithFaults(launch, { faults, step, note }) : launch),
    device,
    cards,
    from,
    initial,
    skips: [...from?.manifest.skipped ?? [], ...journal.skips],
    report,
    ready: () => requireRoom(out, config, { vocabulary: corpus.vocabulary, disk }),
    lost: lock.lost,
    note: (kind, entry, sync = false) => journal.write({ kind, ...entry }, { sync }),
    stop,
    ...saver({ config: records.config, out, disk, data, report, atPoint, note }),
    examine: (step) => sourceFaultAt(config, corpus, step),
    reload: (skips) => newestOf(out, { skips, show, note, lock }),
    now,
    atPoint,
    elastic: (elastic) => control.serve(elastic),
  });
  if (!outcome.idle) {
    journal.write({ kind: "end", step: outcome.step, state: outcome.stateHash });
  }
  lock.check();
  const summary = records.path("summary.json");
  return finishRun(outcome, { out, config, report, show, seconds: now(), summary });
}
