/** Parses the command line of `eval`. Reads no file. */
import type { DeviceKind } from "../../base/device_kinds.ts";
import * as z from "zod";
import { cardNamesIn } from "../../cards/choose.ts";
import { MAX_UNKNOWN } from "../../data/unknown.ts";
import { type FlagsSpec, parseFlags } from "../flags.ts";
import { DEVICE, onlyPath, WHICH } from "../model_flags.ts";

/** The flags of `eval`. */
export const EVAL = {
  usage: "deno task eval PATH [--flag=value | --flag value]...",
  about:
    "Evaluates the model at PATH (a run, one of its checkpoints, or an exported folder) on a whole\n" +
    "validation part: every token is asked once, by windows that slide.",
  examples: [
    "deno task eval runs/gpt_char",
    "deno task eval runs/gpt_char --data=held-out.txt",
    "deno task eval runs/gpt_char --which=best --json",
  ],
  flags: {
    data: z.string().min(1).optional().meta({ value: "PATH" }).describe(
      "Prepared folder (its validation part) or text file (all of it), not what it was trained on",
    ),
    stride: z.int().min(1).optional().describe(
      "Tokens from one window to the next: each token has at least the window less these " +
        "before it. Default: half a window; 1 is exact and slow",
    ),
    workers: z.int().min(1).optional().describe(
      "Worker processes; default: 1, or one for each card",
    ),
    "max-unknown": z.number().min(0).max(1).default(MAX_UNKNOWN).describe(
      "Largest part of the tokens of --data that may be unknown to the tokenizer",
    ),
    pairs: z.int().min(0).default(1000).meta({ value: "N" }).describe(
      "Of a model of pairs: sources whose targets are written and scored; 0 is all",
    ),
    beams: z.int().min(1).max(64).default(1).describe("Texts that a search continues side by side"),
    "length-penalty": z.number().min(-8).max(8).default(1).meta({ value: "A" }).describe(
      "Of a search: scores are divided by length ** A",
    ),
    gpus: z.string().min(1).optional().meta({ value: "LIST" }).describe(
      "Card of each worker, as 0,1",
    ),
    which: WHICH,
    device: DEVICE,
    json: z.boolean().default(false).describe("Print one JSON object instead"),
  },
} satisfies FlagsSpec;

/** A call of `eval`. */
export interface EvalRequest {
  /** Folder of the model. */
  readonly path: string;
  readonly data: string | undefined;
  readonly stride: number | undefined;
  readonly workers: number;
  /** Largest share of unknown tokens. */
  readonly maxUnknown: number;
  /** Sources whose targets are scored; 0: all. */
  readonly pairs: number;
  readonly search: { readonly beams: number; readonly lengthPenalty: number };
  readonly gpus: string | null;
  readonly which: "newest" | "best";
  readonly device: DeviceKind;
  readonly json: boolean;
}

/** Reads a command line. @throws {UserError} `config`. */
export function parseEval(args: readonly string[]): EvalRequest | "help" {
  const { positionals, values, help } = parseFlags(args, EVAL);
  if (help) return "help";
  const gpus: string | null = values["gpus"] ?? null;
  return {
    path: onlyPath(positionals, "deno task eval runs/a"),
    data: values["data"],
    stride: values["stride"],
    workers: values["workers"] ?? (gpus === null ? 1 : cardNamesIn(gpus).length),
    gpus,
    pairs: values["pairs"],
    search: { beams: values["beams"], lengthPenalty: values["length-penalty"] },
    maxUnknown: values["max-unknown"],
    which: values["which"],
    device: values["device"],
    json: values["json"],
  };
}
