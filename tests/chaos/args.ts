/** The command line of the task `chaos`. */
import * as z from "zod";
import { UserError } from "../../src/base/user_error.ts";
import { type FlagsSpec, parseFlags } from "../../src/cli/flags.ts";
import type { ChaosOptions } from "./gather.ts";

/** What the task takes. */
export const CHAOS = {
  usage: "deno task chaos [--flag=value | --flag value]...",
  about: "Trains through random faults, and compares the weights of every run with those of an\n" +
    "undisturbed one. Ends with 1 on any difference.",
  examples: [
    "deno task chaos",
    "deno task chaos --minutes=20 --workers=4 --seed=7",
  ],
  flags: {
    minutes: z.number().min(0).default(5).describe("Minutes that it lasts"),
    seed: z.int().min(0).optional().describe("Root of the faults; default: from the clock"),
    workers: z.int().gt(0).default(3).describe("Workers of a run"),
    mtbf: z.number().gt(0).default(2).describe("Seconds between faults on average"),
    steps: z.int().gt(0).default(300).describe("Steps of a run"),
  },
} satisfies FlagsSpec;

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
