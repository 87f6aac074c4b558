/** What a command line asks `plan` for. Knows its own flags; the others are the config's. */
import { UserError } from "../../base/user_error.ts";
import { type CommandLine, parseCommandLine } from "../args.ts";
import { type FlagsSpec, parseFlags } from "../flags.ts";
import { sortFlags } from "../scaling/sort_flags.ts";

/** The flags of `plan` beside the keys of a config. */
export const PLAN: FlagsSpec = {
  usage: "deno task plan [config.ts | config.json] [--key=value | --key value]...",
  about:
    "Says what a run takes before anything is spent: parameters, FLOP, tokens, memory, time. Takes\n" +
    "the config and the keys that train takes (deno task train --help lists them).",
  flags: [
    {
      name: "memory",
      kind: "number",
      value: "GIB",
      help: "Memory of the device in GiB, which all workers share; WebGPU does not tell",
      range: { need: "> 0", holds: (n) => n > 0 },
    },
    {
      name: "probe",
      kind: "integer",
      help: "Steps of one worker that are timed; 0 times none",
      default: 3,
      range: { need: ">= 0", holds: (n) => n >= 0 },
    },
    {
      name: "scaling",
      kind: "text",
      value: "DIR",
      help:
        "Folder of a sweep whose law the task scaling fitted, or a scaling.json: predicts the loss",
    },
    { name: "json", kind: "boolean", help: "Print one JSON object instead", default: false },
  ],
};

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
  const [own, rest] = sortFlags(args, PLAN.flags);
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
