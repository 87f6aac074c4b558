/**
 * Status line on stderr while a command runs. Stdout has no status output, because a program may
 * read it.
 */
import { activityOf } from "../report/progress/activity.ts";
import { DrawnLine } from "../report/progress/drawn_line.ts";
import type { EventSink as Listener } from "../report/events.ts";
import { Status } from "../report/progress/status.ts";
import type { CompileOptions } from "../device/types.ts";
import { type ByteSink, columns, openOutput } from "./output.ts";

/** A stream such as stderr. */
type Stream = ByteSink & { isTerminal(): boolean };

/** All status lines of this process. */
const opened = new Set<Status>();

/** Clears all status lines, so that an error or a notice on stderr starts on a new line. */
export function endStatuses(): void {
  for (const status of opened) status.end();
}

/** A status line on a stream (default: stderr); permanent lines go to the same stream. */
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

/** Compile options that show the progress of kernel compilation. */
export function compilingIn(status: Status): CompileOptions {
  return {
    progress: async (kernels) => {
      status.show("compiling kernels", kernels);
      await new Promise((resolve) => setTimeout(resolve));
    },
  };
}

/** A listener that shows the activity of workers and prints their notices. */
export function watching(status: Status): Listener {
  return (event) => {
    const doing = activityOf(event);
    if (doing !== undefined) status.show(doing.what, doing.reached);
    if (event.type === "notice") status.print(event.text);
  };
}
