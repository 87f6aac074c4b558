/** The command line of the task `test`. */
import * as z from "zod";
import { type FlagsSpec, parseFlags } from "../../src/cli/flags.ts";

/** What the task takes. */
export const TEST = {
  usage: "deno task test [PATH]... [--flag=value]...",
  about:
    "Runs the tests, or those of the named files and folders, in several processes at a time.\n" +
    "Ends with 1 where a test fails.",
  examples: [
    "deno task test",
    "deno task test tests/kernels tests/tiny_test.ts",
    'deno task test tests/e2e --filter="a resume"',
  ],
  flags: {
    filter: z.string().min(1).optional().describe("Run the tests whose names have this text"),
    jobs: z.int().gt(0).optional().describe("Processes at a time; default: one per core"),
  },
} satisfies FlagsSpec;

/** What a call asks for. */
export interface TestRequest {
  /** Files and folders; none: all tests. */
  readonly paths: readonly string[];
  readonly filter?: string;
  readonly jobs: number;
}

/** Reads a command line. @throws {UserError} `config`. */
export function parseTest(args: readonly string[]): TestRequest | "help" {
  const { positionals: paths, values, help } = parseFlags(args, TEST);
  if (help) return "help";
  const { filter, jobs = navigator.hardwareConcurrency } = values;
  return { paths, jobs, ...filter !== undefined && { filter } };
}
