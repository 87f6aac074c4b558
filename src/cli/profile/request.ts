/** What a command line asks `profile` for. Knows its own flags; the others are the config's. */
import * as z from "zod";
import { UserError } from "../../base/user_error.ts";
import { type CommandLine, parseCommandLine } from "../args.ts";
import { type FlagsSpec, parseFlags } from "../flags.ts";
import { sortFlags } from "../scaling/sort_flags.ts";

/** The flags of `profile` beside the keys of a config. */
export const PROFILE = {
  usage: "deno task profile [config.ts | config.json] [--key=value | --key value]...",
  about:
    "Times training steps of one worker on this machine's GPU and says where the time goes, by op.\n" +
    "Takes the config and the keys that train takes (deno task train --help lists them).",
  examples: [
    "deno task profile",
    "deno task profile configs/gpt_char.ts --model.width=256",
    "deno task profile --trace=step.json",
  ],
  flags: {
    trace: z.string().min(1).optional().meta({ value: "FILE" }).describe(
      "Write one step as events that chrome://tracing and ui.perfetto.dev open",
    ),
    peak: z.number().gt(0).optional().meta({ value: "TFLOPS" }).describe(
      "f32 peak of the device in TFLOP/s, for its use; a few are known",
    ),
    json: z.boolean().default(false).describe("Print one JSON object instead"),
  },
} satisfies FlagsSpec;

/** A call of `profile`. */
export interface ProfileRequest {
  /** Config and overrides, as `train` takes them. */
  readonly line: CommandLine;
  readonly trace: string | undefined;
  /** FLOP/s. */
  readonly peak: number | undefined;
  readonly json: boolean;
}

/** Reads a command line. @throws {UserError} `config`. */
export function parseProfile(args: readonly string[]): ProfileRequest | "help" {
  const [own, rest] = sortFlags(args, PROFILE);
  const { values, help } = parseFlags(own, PROFILE);
  if (help) return "help";
  const line = parseCommandLine(rest);
  if ((line.resume ?? line.restart ?? line.faults ?? line.printConfig) !== undefined) {
    throw new UserError(
      "config",
      "Cannot profile with --resume, --restart, --faults or --print-config: need a config alone",
    );
  }
  const tera: number | undefined = values["peak"];
  return {
    line,
    trace: values["trace"],
    peak: tera === undefined ? undefined : tera * 1e12,
    json: values["json"],
  };
}
