/** The command line of the task `chaos`. */
import { UserError } from "../../src/base/user_error.ts";
import { type FlagsSpec, parseFlags } from "../../src/cli/flags.ts";
import type { ChaosOptions } from "./gather.ts";

const ABOVE_0 = { need: "above 0", holds: (n: number) => n > 0 };
const FROM_0 = { need: "from 0", holds: (n: number) => n >= 0 };

/** What the task takes. */
export const CHAOS: FlagsSpec = {
  usage: "deno task chaos [--flag=value | --flag value]...",
  about: "Trains through random faults, and compares the weights of every run with those of an\n" +
    "undisturbed one. Ends with 1 on any difference.",
  flags: [
    { name: "minutes", kind: "number", range: FROM_0, help: "Minutes that it lasts", default: 5 },
    {
      name: "seed",
      kind: "integer",
      range: FROM_0,
      help: "Root of the faults; of the clock unless told",
    },
    { name: "workers", kind: "integer", range: ABOVE_0, help: "Workers of a run", default: 3 },
    {
      name: "mtbf",
      kind: "number",
      range: ABOVE_0,
      help: "Seconds between faults on average",
      default: 2,
    },
    { name: "steps", kind: "integer", range: ABOVE_0, help: "Steps of a run", default: 300 },
  ],
};

/** Reads a command line. @throws {UserError} `config`. */
export function parseArgs(args: readonly string[]): ChaosOptions | "help" {
  const { positionals, values, help } = parseFlags(args, CHAOS);
  if (help) return "help";
  if (positionals.length > 0) {
    throw new UserError("config", `Cannot read ${positionals.join(" ")}: need flags: --minutes=N`);
  }
  const { minutes, seed = Date.now() % 1e6, workers, mtbf, steps } = values;
  return { minutes, seed, workers, mtbf, steps };
}
