/**
 * Appends a run's metrics to a file, one JSON object per line. Writing may fail and training goes
 * on: lines wait in memory, and one warning says so. Knows nothing of what the numbers mean.
 */
import { hasCode } from "../base/file_fault.ts";
import { isLockLost } from "../base/user_error.ts";
import { writeAllSync } from "../base/write_all.ts";
import { copyAside, setAside } from "./aside.ts";
import { readIfAny, syncName, writeTextAtomic } from "./atomic.ts";
import type { EventSink, RunEvent } from "./events.ts";
import { cutLines, keptLines, lastEval, metricsLine } from "./metrics.ts";
import { cannotWrite, openPlain } from "./plain_file.ts";

/** Characters that wait at most while the file cannot be written; newer lines are dropped. */
const PENDING_LIMIT = 8 * 2 ** 20;
const FLUSH_MS = 1000;

/** Events before or with which all lines must be in the file. */
const FLUSHING: readonly RunEvent["type"][] = ["eval", "saving", "checkpoint", "end"];

/**
 * Events before which all lines must be on the disk: a checkpoint that outlives a power cut finds the
 * lines of its steps.
 */
const SYNCING: readonly RunEvent["type"][] = ["saving", "end"];

/** What a log needs of its file, open to append. */
export type MetricsFile = Pick<Deno.FsFile, "writeSync" | "syncSync"> & Disposable;

/** Calls `run` once after `ms`; what it gives back calls that off. */
export type Later = (run: () => void, ms: number) => () => void;

/** What may be told apart from the file. */
export interface MetricsOptions {
  /** Told when writing fails for the first time, and at the end of lines that were lost by it. */
  readonly warn?: (text: string) => void;
  /** The line of an event; those of steps and evaluations unless told. */
  readonly line?: (event: RunEvent) => string | undefined;
  /**
   * Called before each change of the file; a `locked` refusal says that it belongs to another process
   * now, which is told where it ends this one.
   */
  readonly check?: () => void;
  readonly later?: Later;
  /** Opens the file to append; with `create` it is made where there is none. For tests of faults. */
  readonly open?: (path: string, create: boolean) => MetricsFile;
}

/** A log of metrics; disposing it writes what still waits. */
export interface MetricsLog extends Disposable {
  readonly sink: EventSink;
}

/**
 * A log at `path`. On `start` and `rewind` lines of steps after `from` are dropped, with a torn last
 * line, so that no step stands twice; from step 0 on the whole file is set aside instead, and where
 * lines are damaged a copy of it is. Lines reach the file at each evaluation, before and after each
 * checkpoint, at the end, and at most a second after their step; before a checkpoint and at the end
 * they are synced to the disk. Values that are not finite are null.
 */
export function metricsLog(path: string, options: MetricsOptions = {}): MetricsLog {
  const { warn, later = timer, line: lineOf = metricsLine, check, open = openAppend } = options;
  let pending = "";
  /** Whether the file may hold what the disk does not; an earlier process may have left such lines. */
  let unsynced = true;
  let isNamed = false;
  let evaluated = -1;
  let warned = false;
  let isLost = false;
  let dropped = 0;
  /** Step after which lines are still to be dropped before anything is appended. */
  let behind: number | undefined;
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
      if (behind !== undefined) cutBehind(behind);
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

  const cutBehind = (step: number) => {
    const aside = step === 0 && readIfAny(path) !== "" ? setAside(path) : undefined;
    if (aside !== undefined) warn?.(`${path} is kept as ${aside}: its steps are done again`);
    evaluated = Math.max(evaluated, trim(path, { from: step, warn }));
    behind = undefined;
  };
  const goBack = (step: number) => {
    // Of what waits for a disk that fails, later steps are done again as well.
    pending = keptLines(pending, step);
    evaluated = lastEval(pending);
    behind = Math.min(behind ?? step, step);
    guard(() => cutBehind(behind ?? step));
  };

  const sink: EventSink = (event) => {
    if (event.type === "start") goBack(event.run.from);
    if (event.type === "rewind") {
      flush();
      goBack(event.step);
    }
    // A resumed run may evaluate the step it starts from again; the numbers are the same.
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
    // After the lock is lost, lines are dropped on purpose, and the loss itself is reported once.
    if (lost > 0 && !isLost) {
      warn?.(`${path} lacks ${lost} ${lost === 1 ? "line" : "lines"}: see above`);
    }
  };
  return { sink, [Symbol.dispose]: end };
}

/** Drops what a resumed run will write again; gives the last step with an evaluation. */
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

/** The file, open to append; undefined where there is none and none is to be made. */
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

/** Appends; after each piece says what is left, so that a failure neither repeats nor loses it. */
function write(
  file: MetricsFile,
  { text, onWritten }: { text: string; onWritten: (rest: string) => void },
): void {
  writeAllSync(file, new TextEncoder().encode(text), (rest) => {
    onWritten(new TextDecoder().decode(rest)); // ASCII: no character is cut.
  });
}

function timer(run: () => void, ms: number): () => void {
  const id = setTimeout(run, ms);
  Deno.unrefTimer(id); // A log does not keep its process alive.
  return () => clearTimeout(id);
}
