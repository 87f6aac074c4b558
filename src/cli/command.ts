/** How every command ends: one line and an exit code for what a user can mend, a stack for bugs. */
import { fileFault } from "../base/file_fault.ts";
import { firstError } from "../base/first_error.ts";
import { EXIT, UserError } from "../base/user_error.ts";
import type { ExitName } from "../base/user_error.ts";
import { oneLine } from "../base/text/printable.ts";
import { sayText, warnText } from "../base/text/say.ts";
import { VERSION } from "../base/version.ts";
import { asCalled } from "./called.ts";
import { enterCallersFolder } from "./folder.ts";
import { quietenLostConsole, settleStdout } from "../terminal/output.ts";
import { outliveFileLimit } from "../terminal/signals.ts";
import { endStatuses } from "../terminal/status.ts";

/** How a command ended. */
export interface Ending {
  readonly exit: ExitName;
  /** What goes to stderr: the line that a user reads, or the error of a bug. */
  readonly says?: unknown;
}

/** Runs a command to its end, whatever it throws. Status lines that it left open are ended. */
export async function endingOf(command: () => Promise<ExitName | void>): Promise<Ending> {
  try {
    return { exit: await command() ?? "done" };
  } catch (error) {
    return endingBy(error);
  } finally {
    endStatuses();
  }
}

/** How a command ends by an error. */
function endingBy(caught: unknown): Ending {
  const error = fileFault(firstError(caught));
  return error instanceof UserError
    ? { exit: error.exit, says: linesOf(error) }
    : { exit: "bug", says: error };
}

function linesOf({ message, details }: UserError): string {
  return [`error: ${message}`, ...details.map((line) => `  ${line}`)]
    .map((line) => oneLine(asCalled(line))).join("\n");
}

/** Runs a command in its caller's folder, and ends the process, done or as the command says. */
export async function runCommand(
  command: () => Promise<ExitName | void>,
  { enter = enterCallersFolder }: { readonly enter?: () => void } = {},
): Promise<never> {
  quietenLostConsole();
  outliveFileLimit();
  endByLostErrors();
  const { exit, says } = await endingOf(async () => {
    enter();
    const exit = asksVersion(Deno.args) ? sayText(`shoal ${VERSION}`) : await command();
    settleStdout();
    return exit;
  });
  return leave({ exit, says });
}

/** Whether a word in front of a -- asks for the version. */
function asksVersion(args: readonly string[]): boolean {
  const end = args.indexOf("--");
  return args.slice(0, end < 0 ? undefined : end).includes("--version");
}

/** Ends the process by errors that nothing awaits, which Deno would print as they are. */
function endByLostErrors(): void {
  const end = (event: Event, error: unknown) => {
    event.preventDefault();
    endStatuses();
    leave(endingBy(error));
  };
  globalThis.addEventListener("error", (event) => end(event, event.error));
  globalThis.addEventListener("unhandledrejection", (event) => end(event, event.reason));
}

function leave({ exit, says }: Ending): never {
  if (says !== undefined) warnText(typeof says === "string" ? says : Deno.inspect(says));
  Deno.exit(EXIT[exit]);
}
