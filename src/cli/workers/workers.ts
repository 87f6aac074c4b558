/** The command `workers`: changes the number of workers of a run that is going on. */
import { UserError } from "../../base/user_error.ts";
import { say, sayText } from "../../base/text/say.ts";
import { sendControl, type WorkersChange } from "../../../workers/run/control.ts";
import { asCalled } from "../called.ts";
import { runCommand } from "../command.ts";

const USAGE = "deno task workers RUN N | +N | -N";

const HELP = `Usage: ${USAGE}

Changes the number of workers of the run that is going on in the folder RUN. The run goes on to the
same bits with any number.

  deno task workers runs/a 3     three workers from now on
  deno task workers runs/a +1    one more
  deno task workers runs/a -1    one fewer
`;

/** What a command line asks for. */
export interface WorkersLine {
  /** The run's folder. */
  readonly out: string;
  readonly change: WorkersChange;
}

/** Runs `workers` with command-line arguments. */
export async function workersCommand(args: readonly string[]): Promise<void> {
  const line = parseWorkers(args);
  if (line === "help") return sayText(asCalled(HELP));
  say(await sendControl(line.out, { type: "workers", change: line.change }));
}

/** Reads `RUN N | +N | -N`, or a call for help. @throws {UserError} `config` for anything else. */
export function parseWorkers(args: readonly string[]): WorkersLine | "help" {
  if (args.includes("--help") || args.includes("-h")) return "help";
  const [out, text] = args;
  if (out === undefined || text === undefined || args.length > 2 || out.startsWith("-")) {
    throw new UserError(
      "config",
      `Cannot read the command line: need a folder and a number, as in ${USAGE}: ` +
        `got ${args.join(" ") || "nothing"}`,
    );
  }
  return { out, change: changeOf(text) };
}

function changeOf(text: string): WorkersChange {
  const [, sign, digits] = /^([+-]?)(\d{1,6})$/.exec(text) ?? [];
  const n = Number(digits);
  if (digits === undefined || n === 0) {
    throw new UserError(
      "config",
      `Cannot change the workers by "${text}": need a number from 1, as 3, +1 or -1`,
    );
  }
  if (sign === "+") return { add: n };
  return sign === "-" ? { remove: n } : { set: n };
}

if (import.meta.main) await runCommand(() => workersCommand(Deno.args));
