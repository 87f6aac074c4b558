/**
 * Appends a run's metrics to a file, one JSON object per line. Writing may fail and training goes
 * on: lines wait in memory, and one warning says so. Knows nothing of what the numbers mean.
 */
import { reasonOf } from "../base/file_fault.ts";
import { isLockLost } from "../base/refusal.ts";
import { setAside } from "./aside.ts";
import { readIfAny, writeTextAtomic } from "./atomic.ts";
import type { RunEvent, Sink } from "./events.ts";
import { keptLines, lastEval, metricsLine } from "./metrics.ts";

/** Characters that wait at most while the file cannot be written; newer lines are dropped. */
const PENDING_LIMIT = 8 * 2 ** 20;
const FLUSH_MS = 1000;

/** Events before or with which all lines must be in the file. */
const FLUSHING: readonly RunEvent["type"][] = ["eval", "saving", "checkpoint", "end"];

/** Calls `run` once after `ms`; what it gives back calls that off. */
export type Later = (run: () => void, ms: number) => () => void;

/** What may be told apart from the file. */
export interface MetricsOptions {
  /** Told once, when writing fails for the first time. */
  readonly warn?: (text: string) => void;
  /** The line of an event; those of steps and evaluations unless told. */
  readonly line?: (event: RunEvent) => string | undefined;
  /**
   * Called before each change of the file; a `locked` refusal says that it belongs to another process
   * now, which is told where it ends this one.
   */
  readonly check?: () => void;
  readonly later?: Later;
}

/** A log of metrics; disposing it writes what still waits. */
export interface MetricsLog extends Disposable {
  readonly sink: Sink;
}

/**
 * A log at `path`. On `start` and `rewind` lines of steps after `from` are dropped, with a torn last
 * line, so that no step stands twice; from step 0 on the whole file is set aside instead. Lines reach the file at each evaluation, before and after each checkpoint, at the end, and at
 * most a second after their step. Values that are not finite are null.
 */
export function metricsLog(path: string, options: MetricsOptions = {}): MetricsLog {
  const { warn, later = timer, line: lineOf = metricsLine, check } = options;
  let pending = "";
  let evaluated = -1;
  let warned = false;
  let cancel: (() => void) | undefined;

  const guard = (work: () => void) => {
    try {
      check?.();
      work();
    } catch (error) {
      if (isLockLost(error)) return;
      if (!warned) {
        warn?.(`Cannot write ${path}: ${reasonOf(error)}`);
      }
      warned = true;
    }
  };
  const flush = () => {
    cancel?.();
    cancel = undefined;
    if (pending === "") return;
    guard(() => append(path, { text: pending, onWritten: (rest) => pending = rest }));
  };

  const goBack = (step: number) =>
    guard(() => {
      const aside = step === 0 && readIfAny(path) !== "" ? setAside(path) : undefined;
      if (aside !== undefined) warn?.(`${path} is kept as ${aside}: its steps are done again`);
      evaluated = trim(path, step);
    });

  const sink: Sink = (event) => {
    if (event.type === "start") goBack(event.run.from);
    if (event.type === "rewind") {
      flush();
      goBack(event.step);
    }
    // A resumed run may evaluate the step it starts from again; the numbers are the same.
    const again = event.type === "eval" || event.type === "reach";
    if (again && event.step <= evaluated) return;
    const line = lineOf(event);
    if (line !== undefined && pending.length + line.length <= PENDING_LIMIT) pending += line;
    if (FLUSHING.includes(event.type)) flush();
    else if (pending !== "") cancel ??= later(flush, FLUSH_MS);
  };
  return { sink, [Symbol.dispose]: flush };
}

/** Drops what a resumed run will write again; gives the last step with an evaluation. */
function trim(path: string, from: number): number {
  const text = readIfAny(path);
  const kept = keptLines(text, from);
  if (kept !== text) writeTextAtomic(path, kept);
  return lastEval(kept);
}

/** Appends; after each piece says what is left, so that a failure neither repeats nor loses it. */
function append(
  path: string,
  { text, onWritten }: { text: string; onWritten: (rest: string) => void },
): void {
  const bytes = new TextEncoder().encode(text);
  using file = Deno.openSync(path, { append: true, create: true });
  for (let i = 0; i < bytes.length;) {
    i += file.writeSync(bytes.subarray(i));
    onWritten(new TextDecoder().decode(bytes.subarray(i))); // ASCII: no character is cut.
  }
}

function timer(run: () => void, ms: number): () => void {
  const id = setTimeout(run, ms);
  Deno.unrefTimer(id); // A log does not keep its process alive.
  return () => clearTimeout(id);
}
