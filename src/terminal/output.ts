/**
 * Writes to stdout and stderr. A closed pipe or terminal is no error. If the disk is full, output
 * is buffered in memory and written once there is room.
 */

import { joinedBytes } from "../base/bytes.ts";
import { FileFault, hasCode, writingFault } from "../base/file_fault.ts";
import { printable } from "../base/text/printable.ts";
import { writeAllSync } from "../base/files/write_all.ts";

/** A stream to write to. */
export interface Output {
  /** Writes all of a text; does nothing once the reader has closed the stream. */
  write(text: string): void;
  /** Aborted when the reader has closed the stream. */
  readonly closed: AbortSignal;
}

/** Destination of bytes; the part of `Deno.stdout` and `Deno.stderr` that is used. */
export interface ByteSink {
  writeSync(bytes: Uint8Array): number;
  isTerminal?(): boolean;
}

/** The first write error of a stream, and the number of lines that were not written. */
export interface Losses {
  readonly error: unknown;
  readonly lines: number;
}

/** Maximum bytes to buffer while a stream cannot be written; later output is dropped. */
const PENDING_LIMIT = 2 ** 20;

/** A stream with its buffered bytes. */
class Stream implements Output {
  readonly #sink: ByteSink;
  readonly #gone: (error: unknown) => boolean;
  readonly #controller = new AbortController();
  #pending = new Uint8Array();
  #error: unknown;
  #dropped = 0;

  constructor(sink: ByteSink) {
    this.#sink = sink;
    this.#gone = goneFrom(sink);
  }

  get closed(): AbortSignal {
    return this.#controller.signal;
  }

  write(text: string): void {
    const bytes = new TextEncoder().encode(text);
    const isFull = this.#pending.length + bytes.length > PENDING_LIMIT;
    if (isFull) this.#drain();
    if (isFull && this.#pending.length > 0) this.#dropped += linesIn(bytes);
    else this.#pending = joinedBytes(this.#pending, bytes);
    this.#drain();
  }

  /** Dropped and unwritten lines; undefined if there are none or the reader closed the stream. */
  losses(): Losses | undefined {
    this.#drain();
    const lines = this.#dropped + linesIn(this.#pending);
    return lines === 0 || this.closed.aborted ? undefined : { error: this.#error, lines };
  }

  #drain(): void {
    try {
      if (!this.closed.aborted) {
        writeAllSync(this.#sink, this.#pending, (rest) => this.#pending = rest);
      }
    } catch (error) {
      if (this.#gone(error)) this.#controller.abort();
      else this.#fail(error);
    }
    if (this.closed.aborted) this.#pending = new Uint8Array();
  }

  #fail(error: unknown): void {
    if (writingFault(error, {}) === undefined) throw error;
    this.#error ??= error;
    if (this.#sink === Deno.stdout) stdout.failed(error);
  }
}

/** The state of this process's stdout, over all streams that were opened on it. */
class Stdout {
  readonly #streams: Stream[] = [];
  #isReport = false;
  #warned = false;
  /** First error and number of lost lines of `console`. */
  #error: unknown;
  #lines = 0;

  open(): Output {
    const stream = new Stream(Deno.stdout);
    this.#streams.push(stream);
    return stream;
  }

  /** From now on output only repeats what is in files: losing it is no failure. */
  report(): void {
    this.#isReport = true;
  }

  failed(error: unknown): void {
    if (!this.#isReport || this.#warned) return;
    this.#warned = true;
    console.error(`${faultOf(error).message}; going on, and what is printed waits`);
  }

  drop(error: unknown): void {
    this.#error ??= error;
    this.#lines++;
  }

  /** Throws if lines were lost; only warns if stdout is a report. */
  settle(): void {
    const all = [
      { error: this.#error, lines: this.#lines },
      ...this.#streams.flatMap((stream) => stream.losses() ?? []),
    ];
    const [first] = all.filter(({ lines }) => lines > 0);
    if (first === undefined) return;
    const lines = all.reduce((sum, each) => sum + each.lines, 0);
    const fault = faultOf(first.error);
    const text = `${fault.message}: ${lines} ${lines === 1 ? "line is" : "lines are"} lost`;
    if (!this.#isReport) throw new FileFault(fault.exit === "tooLarge" ? fault.exit : "lost", text);
    console.error(text);
  }
}

const stdout = new Stdout();

/** Opens a stream; default: stdout. */
export function openOutput(sink: ByteSink = Deno.stdout): Output {
  return sink === Deno.stdout ? stdout.open() : new Stream(sink);
}

/** Marks stdout as a report from now on: losing output does not change the exit code. */
export function printsReport(): void {
  stdout.report();
}

/** Stdout for a command's product: unchanged in a file or a pipe, escaped on a terminal. */
export function openProduct(stream: ByteSink & { isTerminal(): boolean } = Deno.stdout): Output {
  const output = openOutput(stream);
  const isTerminal = stream.isTerminal();
  return {
    write: (text) => output.write(isTerminal ? printable(text) : text),
    closed: output.closed,
  };
}

/**
 * Flushes stdout. @throws {FileFault} `tooLarge` or `lost` if lines were lost, unless the reader
 * has closed stdout or it is only a report.
 */
export function settleStdout(): void {
  stdout.settle();
}

/**
 * Makes `console` drop output that cannot be written instead of throwing: a command whose terminal
 * was closed, or whose log is on a full disk, must still save its state.
 */
export function quietenLostConsole(console: Console = globalThis.console): void {
  for (const name of ["log", "info", "warn", "error"] as const) {
    const write = console[name];
    const isStdout = name === "log" || name === "info";
    const gone = goneFrom(isStdout ? Deno.stdout : Deno.stderr);
    console[name] = (...words: unknown[]) => {
      try {
        write.apply(console, words);
      } catch (error) {
        if (!gone(error) && writingFault(error, {}) === undefined) throw error;
        if (isStdout && !gone(error)) stdout.drop(error);
      }
    };
  }
}

/** Predicate for errors of a closed pipe (EPIPE) or terminal (EIO, a real error on a disk). */
function goneFrom(sink: ByteSink): (error: unknown) => boolean {
  const isTerminal = sink.isTerminal?.() ?? true;
  return (error) =>
    error instanceof Deno.errors.BrokenPipe || (isTerminal && hasCode(error, "EIO"));
}

function faultOf(error: unknown): FileFault {
  const fault = writingFault(error, { doing: "write to", path: "stdout" });
  if (fault === undefined) throw error;
  return fault;
}

/** Number of lines in some bytes, including an unterminated last one. */
function linesIn(bytes: Uint8Array): number {
  let lines = 0;
  for (const byte of bytes) if (byte === 10) lines++;
  return lines + (bytes.length > 0 && bytes.at(-1) !== 10 ? 1 : 0);
}

/** Columns of the terminal; 80 if unknown or closed. */
export function columns(): number {
  try {
    return Deno.consoleSize().columns || 80;
  } catch {
    return 80;
  }
}
