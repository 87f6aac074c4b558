/** Writes to stdout or stderr as long as somebody reads. A reader or a terminal that is gone is no fault. */

import { hasCode } from "../base/file_fault.ts";
import { printable } from "../base/printable.ts";

/** A way to a stream, and whether it is still open. */
export interface Output {
  /** Writes all of a text; nothing once the reader is gone. */
  write(text: string): void;
  /** Aborted when the reader is gone. */
  readonly closed: AbortSignal;
}

/** Where the bytes go; a part of `Deno.stdout` and `Deno.stderr`. */
export interface Sink {
  writeSync(bytes: Uint8Array): number;
}

/** Opens a stream; default: stdout. */
export function openOutput(sink: Sink = Deno.stdout): Output {
  const encoder = new TextEncoder();
  const controller = new AbortController();
  return {
    write(text) {
      const bytes = encoder.encode(text);
      try {
        for (let at = 0; at < bytes.length && !controller.signal.aborted;) {
          at += sink.writeSync(bytes.subarray(at));
        }
      } catch (error) {
        if (!isGone(error)) throw error;
        controller.abort();
      }
    },
    closed: controller.signal,
  };
}

/** Stdout for a text that is a command's product: as it is in a file or a pipe, harmless on a terminal. */
export function openProduct(stream: Sink & { isTerminal(): boolean } = Deno.stdout): Output {
  const { write, closed } = openOutput(stream);
  return { write: stream.isTerminal() ? (text) => write(printable(text)) : write, closed };
}

/**
 * Silences the console once its reader is gone, as {@linkcode openOutput} is: a command whose
 * terminal was closed still has to save, and `console` throws there.
 */
export function quietenLostConsole(console: Console = globalThis.console): void {
  for (const name of ["log", "info", "warn", "error"] as const) {
    const write = console[name];
    console[name] = (...words: unknown[]) => {
      try {
        write.apply(console, words);
      } catch (error) {
        if (!isGone(error)) throw error;
      }
    };
  }
}

/** Whether an error of a write says that its reader (EPIPE) or its terminal (EIO) is gone. */
function isGone(error: unknown): boolean {
  return error instanceof Deno.errors.BrokenPipe || hasCode(error, "EIO");
}

/** Columns of the terminal; 80 where it does not say, or is gone. */
export function columns(): number {
  try {
    return Deno.consoleSize().columns || 80;
  } catch {
    return 80;
  }
}
