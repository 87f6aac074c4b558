/** The help text of `train`, generated from the config schema. */
import type * as z from "zod";
import { type ConfigKey, keys, showDefault } from "../config/keys.ts";
import { runSchema } from "../config/schema.ts";
import { asCalled } from "./called.ts";
import { table } from "./table.ts";

/** Flags that are no config keys, and the most used keys under their short names. */
const FLAGS: readonly (readonly [string, string])[] = [
  ["--data FILE", "Text to train on, in UTF-8 (data.path)"],
  ["--out DIR", "Folder that the run writes to"],
  ["--steps N", "Optimizer steps until the run ends"],
  ["--workers N", "Worker processes; default: one per card, or per core"],
  ["--gpus LIST", "Card of each worker, as 0,1: two workers unless --workers says otherwise"],
  ["--seed N", "Root of all random numbers of the run"],
  ["--device NAME", "auto, cpu, webgpu or reference (device.kind)"],
  ["--resume DIR", "Go on from the newest good checkpoint of this run"],
  ["--restart DIR", "Begin this run at step 0 once more; what it recorded is kept beside"],
  ["--follow-links", "Write through symbolic links in the folder of --resume, refused by default"],
  ["--config FILE", "The config file, where it is not the first argument"],
  ["--print-config", "Print the whole config as JSON, every key with its value, and train nothing"],
  ["-h, --help", "This text"],
];

/**
 * Usage, flags, and every key of a schema with its default, its meaning and what it takes. The schema
 * is that of all runs, unless a config names modules with keys of their own.
 */
export function helpText(schema: z.ZodType = runSchema): string {
  return asCalled([
    "Usage: deno task train [config.ts | config.json | text.txt] [--key=value | --key value]...",
    "",
    "Trains a model on a text. The config file says what differs from the defaults below; keys on",
    "the command line win over it. In a key, - and _ mean the same.",
    "",
    "Examples:",
    "  deno task train                                  Moby Dick, by character",
    "  deno task train my.txt --steps=500               your own text",
    "  deno task train --resume=runs/gpt_char           go on where a run was stopped",
    "",
    "Flags:",
    ...table(FLAGS),
    "",
    "Keys, with their defaults:",
    ...table(keys(schema).map((key) => [`--${key.path}`, showDefault(key) ?? "", describe(key)])),
    "",
  ].join("\n"));
}

function describe({ description, need }: ConfigKey): string {
  return `${description} (${need})`;
}
