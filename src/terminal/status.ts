/**
 * What a command says on stderr while a person waits for it. Stdout stays clean: it may be read by
 * a program.
 */
import { activityOf } from "../report/progress/activity.ts";
import { DrawnLine } from "../report/progress/drawn_line.ts";
import type { EventSink as Listener } from "../report/events.ts";
import { Status } from "../report/progress/status.ts";
import type { CompileOptions } from "../device/types.ts";
import { type ByteSink, columns, openOutput } from "./output.ts";

/** A stream, as stderr is one. */
type Stream = ByteSink & { isTerminal(): boolean };

/** All that this process opened. */
const opened = new Set<Status>();

/** Clears what is drawn, so that an error or a notice on stderr begins its own line. */
export function endStatuses(): void {
  for (const status of opened) status.end();
}

/** A status line on a stream (default: stderr); lines that stay go to the same stream. */
export function openStatus(to: Stream | "stdout" = Deno.stderr): Status {
  const stream = to === "stdout" ? Deno.stdout : to;
  const output = openOutput(stream);
  const status = new Status(
    new DrawnLine({
      terminal: stream.isTerminal(),
      write: (text) => output.write(text),
      width: columns,
    }),
  );
  opened.add(status);
  return status;
}

/** Shows the kernels that a device of this process compiles. */
export function compilingIn(status: Status): CompileOptions {
  return {
    progress: async (kernels) => {
      status.show("compiling kernels", kernels);
      await new Promise((resolve) => setTimeout(resolve));
    },
  };
}

/** Shows what workers do, and prints what they have to say. */
export function watching(status: Status): Listener {
  return (event) => {
    const doing = activityOf(event);
    if (doing !== undefined) status.show(doing.what, doing.reached);
    if (event.type === "notice") status.print(event.text);
  };
}
