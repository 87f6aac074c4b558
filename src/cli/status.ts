/**
 * What a command says on stderr while a person waits for it. Stdout stays clean: it may be read by
 * a program.
 */
import { doingOf } from "../report/doing.ts";
import { DrawnLine } from "../report/drawn_line.ts";
import type { Sink } from "../report/events.ts";
import { printable } from "../report/format.ts";
import { Status } from "../report/status.ts";
import type { Compiling } from "../device/types.ts";

/** Stdout or stderr. */
interface Stream {
  isTerminal(): boolean;
  writeSync(bytes: Uint8Array): number;
}

/** A status on stderr, unless told; its lines that stay go there as well. */
export function openStatus(stream: Stream = Deno.stderr): Status {
  return new Status(
    new DrawnLine({
      terminal: stream.isTerminal(),
      write: (text) => writeAll(stream, text),
      width: columns,
    }),
  );
}

/** Shows the kernels that a device of this process compiles. */
export function compilingIn(status: Status): Compiling {
  return {
    progress: async (kernels) => {
      status.show("compiling kernels", kernels);
      await new Promise((resolve) => setTimeout(resolve));
    },
  };
}

/** Shows what workers do, and prints what they have to say. */
export function watching(status: Status): Sink {
  return (event) => {
    const doing = doingOf(event);
    if (doing !== undefined) status.show(doing.what, doing.reached);
    if (event.type === "notice") status.print(printable(event.text));
  };
}

/** Columns of the terminal; 80 where it does not say. */
export function columns(): number {
  try {
    return Deno.consoleSize().columns || 80;
  } catch {
    return 80;
  }
}

/** Writes all of a text. */
export function writeAll(stream: Pick<Stream, "writeSync">, text: string): void {
  const bytes = new TextEncoder().encode(text);
  for (let at = 0; at < bytes.length;) at += stream.writeSync(bytes.subarray(at));
}
