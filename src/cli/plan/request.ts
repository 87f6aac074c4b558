/** What a command line asks `plan` for. Knows its own flags; the others are the config's. */
import * as z from "zod";
import { UserError } from "../../base/user_error.ts";
import { type CommandLine, parseCommandLine } from "../args.ts";
import { type FlagsSpec, parseFlags } from "../flags.ts";
import { sortFlags } from "../scaling/sort_flags.ts";

/** The flags of `plan` beside the keys of a config. */
export const PLAN = {
  usage: "deno task plan [config.ts | config.json] [--key=value | --key value]...",
  about:
    "Says what a run takes before anything is spent: parameters, FLOP, tokens, memory, time. Takes\n" +
    "the config and the keys that train takes (deno task train --help lists them).",
  examples: [
    "deno task plan",
    "deno task plan configs/gpt_char.ts --model.width=512 --memory=24",
    "deno task plan --data=my.txt --probe=0 --json",
  ],
  flags: {
    memory: z.number().gt(0).optional().meta({ value: "GIB" }).describe(
      "Memory of the device in GiB, which all workers share; WebGPU does not tell",
    ),
    probe: z.int().min(0).default(3).describe("Steps of one worker that are timed; 0 times none"),
    scaling: z.string().min(1).optional().meta({ value: "DIR" }).describe(
      "Folder of a sweep whose law the task scaling fitted, or a scaling.json: predicts the loss",
    ),
    json: z.boolean().default(false).describe("Print one JSON object instead"),
  },
} satisfies FlagsSpec;

/** A call of `plan`. */
export interface PlanRequest {
  /** Config and overrides, as `train` takes them. */
  readonly line: CommandLine;
  /** Bytes of the device. */
  readonly memory: number | undefined;
  readonly probe: number;
  readonly scaling: string | undefined;
  readonly json: boolean;
}

const GIB = 2 ** 30;

/** Reads a command line. @throws {UserError} `config`. */
export function parsePlan(args: readonly string[]): PlanRequest | "help" {
  const [own, rest] = sortFlags(args, PLAN);
  const { values, help } = parseFlags(own, PLAN);
  if (help) return "help";
  const line = parseCommandLine(rest);
  if ((line.resume ?? line.restart ?? line.faults ?? line.printConfig) !== undefined) {
    throw new UserError(
      "config",
      "Cannot plan with --resume, --restart, --faults or --print-config: need a config alone",
    );
  }
  const gib: number | undefined = values["memory"];
  return {
    line,
    memory: gib === undefined ? undefined : gib * GIB,
    probe: values["probe"],
    scaling: values["scaling"],
    json: values["json"],
  };
}
