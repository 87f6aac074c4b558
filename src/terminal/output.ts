/**
 * Writes to stdout and stderr. A reader or a terminal that is gone is no fault. If a disk is full, bytes
 * wait in memory and are written once there is room. Errors of the system are never thrown.
 */

import { joinedBytes } from "../base/bytes.ts";
import { FileFault, hasCode, writingFault } from "../base/file_fault.ts";
import { printable } from "../base/text/printable.ts";
import { writeAllSync } from "../base/files/write_all.ts";

/** A way to a stream, and whether it is still open. */
export interface Output {
  /** Writes all of a text; nothing once the reader is gone. */
  write(text: string): void;
  /** Aborted when the reader is gone. */
  readonly closed: AbortSignal;
}

/** Where the bytes go; a part of `Deno.stdout` and `Deno.stderr`. */
export interface ByteSink {
  writeSync(bytes: Uint8Array): number;
  isTerminal?(): boolean;
}

/** Told what a stream did not take: the error, and how many lines are lost for good so far. */
export interface Losses {
  readonly error: unknown;
  readonly lines: number;
}

/** Bytes that wait at most while a stream cannot be written; newer ones are dropped. */
const PENDING_LIMIT = 2 ** 20;

/** A stream with what waits for it. */
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

  /** What is lost if nothing more can be written; undefined when all is written or nobody reads. */
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

/** What became of the stdout of this process. */
class Stdout {
  readonly #streams: Stream[] = [];
  #isReport = false;
  #told = false;
  /** Of lines that were printed by the console. */
  #error: unknown;
  #lines = 0;

  open(): Output {
    const stream = new Stream(Deno.stdout);
    this.#streams.push(stream);
    return stream;
  }

  /** What is printed from now on is a report of what lies in files. */
  report(): void {
    this.#isReport = true;
  }

  failed(error: unknown): void {
    if (!this.#isReport || this.#told) return;
    this.#told = true;
    console.error(`${faultOf(error).message}; going on, and what is printed waits`);
  }

  drop(error: unknown): void {
    this.#error ??= error;
    this.#lines++;
  }

  /** Throws, or says, what is lost of what was printed. */
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

/** Says that stdout has only a report from now on: losing it does not change how the command ends. */
export function printsReport(): void {
  stdout.report();
}

/** Stdout for a text that is a command's product: as it is in a file or a pipe, harmless on a terminal. */
export function openProduct(stream: ByteSink & { isTerminal(): boolean } = Deno.stdout): Output {
  const output = openOutput(stream);
  const isTerminal = stream.isTerminal();
  return {
    write: (text) => output.write(isTerminal ? printable(text) : text),
    closed: output.closed,
  };
}

/**
 * Ends what was printed. @throws {FileFault} `tooLarge` or `lost` when stdout did not take it all,
 * though somebody reads it, and it is what the command is for.
 */
export function settleStdout(): void {
  stdout.settle();
}

/**
 * Lets the console lose what cannot be printed instead of throwing: a command whose terminal was closed,
 * or whose log is on a full disk, still has to save.
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

/** Tells errors of a reader that is gone (EPIPE), or of a terminal (EIO), which a disk has as well. */
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

/** Lines that end in some bytes, and one that does not. */
function linesIn(bytes: Uint8Array): number {
  let lines = 0;
  for (const byte of bytes) if (byte === 10) lines++;
  return lines + (bytes.length > 0 && bytes.at(-1) !== 10 ? 1 : 0);
}

/** Columns of the terminal; 80 where it does not say, or is gone. */
export function columns(): number {
  try {
    return Deno.consoleSize().columns || 80;
  } catch {
    return 80;
  }
}
