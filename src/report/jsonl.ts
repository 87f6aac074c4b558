/**
 * Appends a run's metrics to a file, one JSON object per line. If writing fails, training
 * continues: lines are buffered in memory, and one warning is printed.
 */
import { hasCode } from "../base/file_fault.ts";
import { isLockLost } from "../base/user_error.ts";
import { writeAllSync } from "../base/files/write_all.ts";
import { copyAside, setAside } from "./backup.ts";
import { readIfAny, syncName, writeTextAtomic } from "./atomic.ts";
import type { EventSink, RunEvent } from "./events.ts";
import { cutLines, keptLines, lastEval, metricsLine } from "./metrics.ts";
import { cannotWrite, openPlain } from "./regular_file.ts";

/** Most characters buffered while the file cannot be written; newer lines are dropped. */
const PENDING_LIMIT = 8 * 2 ** 20;
const FLUSH_MS = 1000;

/** Events that flush all lines to the file. */
const FLUSHING: readonly RunEvent["type"][] = ["eval", "saving", "checkpoint", "end"];

/**
 * Events that also fsync, so that a checkpoint that survives a power cut has the lines of its
 * steps.
 */
const SYNCING: readonly RunEvent["type"][] = ["saving", "end"];

/** The operations on a log's file, open to append. */
export type MetricsFile = Pick<Deno.FsFile, "writeSync" | "syncSync"> & Disposable;

/** Calls `run` once after `ms`; the returned function cancels that. */
export type Later = (run: () => void, ms: number) => () => void;

/** Options of a log. */
export interface MetricsOptions {
  /** Called when writing first fails, and at the end if lines were lost. */
  readonly warn?: (text: string) => void;
  /** The line of an event. Default: lines for steps and evaluations. */
  readonly line?: (event: RunEvent) => string | undefined;
  /**
   * Called before each change of the file. A `locked` error means that another process owns the
   * file now; it is reported where it ends the run.
   */
  readonly check?: () => void;
  readonly later?: Later;
  /** Opens the file to append; `create`: if missing. Tests inject faults here. */
  readonly open?: (path: string, create: boolean) => MetricsFile;
}

/** A log of metrics; disposing it writes the buffered lines. */
export interface MetricsLog extends Disposable {
  readonly sink: EventSink;
}

/**
 * A log at `path`. On `start` and `rewind`, lines of later steps and a torn last line are dropped,
 * so that no step appears twice; from step 0 the whole file is set aside instead. If lines are
 * damaged, a copy of the file is kept. Lines are flushed at each evaluation, before and after each
 * checkpoint, at the end, and at most a second after their step; before a checkpoint and at the end
 * they are synced. Values that are not finite are null.
 */
export function metricsLog(path: string, options: MetricsOptions = {}): MetricsLog {
  const { warn, later = timer, line: lineOf = metricsLine, check, open = openAppend } = options;
  let pending = "";
  /**
   * Whether the file may have lines that are not on disk; an earlier process may have left some.
   */
  let unsynced = true;
  let isNamed = false;
  let evaluated = -1;
  let warned = false;
  let isLost = false;
  let dropped = 0;
  /** Lines after this step must be dropped before anything is appended. */
  let cutAfter: number | undefined;
  let cancel: (() => void) | undefined;

  const guard = (work: () => void) => {
    try {
      check?.();
      work();
    } catch (error) {
      if (isLockLost(error)) {
        isLost = true;
        return;
      }
      if (!warned) warn?.(cannotWrite(path, error));
      warned = true;
    }
  };
  const flush = (sync = false) => {
    cancel?.();
    cancel = undefined;
    guard(() => {
      if (cutAfter !== undefined) cutFile(cutAfter);
      if (pending === "" && !(sync && unsynced)) return;
      using file = opened(path, open, pending !== "");
      if (file === undefined) return;
      unsynced = true;
      write(file, { text: pending, onWritten: (rest) => pending = rest });
      if (!sync) return;
      file.syncSync();
      if (!isNamed) syncName(path);
      isNamed = true;
      unsynced = false;
    });
  };

  const cutFile = (step: number) => {
    const aside = step === 0 && readIfAny(path) !== "" ? setAside(path) : undefined;
    if (aside !== undefined) warn?.(`${path} is kept as ${aside}: its steps are done again`);
    evaluated = Math.max(evaluated, trim(path, { from: step, warn }));
    cutAfter = undefined;
  };
  const goBack = (step: number) => {
    // Buffered lines of later steps are dropped as well.
    pending = keptLines(pending, step);
    evaluated = lastEval(pending);
    cutAfter = Math.min(cutAfter ?? step, step);
    guard(() => cutFile(cutAfter ?? step));
  };

  const sink: EventSink = (event) => {
    if (event.type === "start") goBack(event.run.from);
    if (event.type === "rewind") {
      flush();
      goBack(event.step);
    }
    // A resumed run may repeat the evaluation of its first step, with the same result.
    const again = event.type === "eval" || event.type === "reach";
    if (again && event.step <= evaluated) return;
    const line = lineOf(event);
    if (line !== undefined) {
      if (pending.length + line.length <= PENDING_LIMIT) pending += line;
      else dropped++;
    }
    if (FLUSHING.includes(event.type)) flush(SYNCING.includes(event.type));
    else if (pending !== "") cancel ??= later(flush, FLUSH_MS);
  };
  const end = () => {
    flush();
    const lost = dropped + pending.split("\n").length - 1;
    // After the lock is lost, lines are dropped on purpose; the loss itself is reported once.
    if (lost > 0 && !isLost) {
      warn?.(`${path} lacks ${lost} ${lost === 1 ? "line" : "lines"}: see above`);
    }
  };
  return { sink, [Symbol.dispose]: end };
}

/** Drops lines that a resumed run will write again; returns the last evaluated step. */
function trim(
  path: string,
  { from, warn }: { from: number; warn: ((text: string) => void) | undefined },
): number {
  const text = readIfAny(path);
  const { kept, damaged: [first] } = cutLines(text, from);
  if (first !== undefined) {
    const copy = copyAside(path);
    warn?.(`Line ${first} of ${path} is damaged and left out: all of the file is kept as ${copy}`);
  }
  if (kept !== text) writeTextAtomic(path, kept);
  return lastEval(kept);
}

/** The file, open to append; undefined if it is missing and `create` is false. */
function opened(
  path: string,
  open: NonNullable<MetricsOptions["open"]>,
  create: boolean,
): MetricsFile | undefined {
  try {
    return open(path, create);
  } catch (error) {
    if (!create && hasCode(error, "ENOENT")) return undefined;
    throw error;
  }
}

function openAppend(path: string, create: boolean): Deno.FsFile {
  return openPlain(path, { append: true, create });
}

/**
 * Appends. Reports the rest after each write, so that a failure neither repeats nor loses bytes.
 */
function write(
  file: MetricsFile,
  { text, onWritten }: { text: string; onWritten: (rest: string) => void },
): void {
  writeAllSync(file, new TextEncoder().encode(text), (rest) => {
    onWritten(new TextDecoder().decode(rest)); // ASCII, so no character is split.
  });
}

function timer(run: () => void, ms: number): () => void {
  const id = setTimeout(run, ms);
  Deno.unrefTimer(id); // A log must not keep the process alive.
  return () => clearTimeout(id);
}
