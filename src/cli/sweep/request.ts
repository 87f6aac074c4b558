/** Parses the command line of `sweep`: its own flags, and config keys that all trials share. */
import * as z from "zod";
import { UserError } from "../../base/user_error.ts";
import { keys } from "../../config/keys.ts";
import { fromElsewhere } from "../../config/elsewhere.ts";
import { nearestKey } from "../../config/suggest.ts";
import { type Bounds, boundsOf } from "../../sweep/bounds.ts";
import { flagNames, type FlagsSpec, parseFlags } from "../flags.ts";

/** The flags of `sweep`. */
export const SWEEP = {
  usage: "deno task sweep FILE [--flag=value | --flag value]... [--key=value]...",
  about:
    "Trains every trial of a sweep file, many at a time, each in a run's folder DIR/trials/<key>.\n" +
    "Running it again skips what is finished and goes on with what is not. Leaves trials.jsonl,\n" +
    "trials.csv and sweep.jsonl, the journal, in DIR. --key=value changes the config that trials\n" +
    "share, as --data=DIR or --eval.windows=0 (deno task train --help lists the keys).",
  examples: [
    "deno task sweep configs/sweeps/gpt_tiny.ts --dry-run",
    "deno task sweep configs/sweeps/gpt_tiny.ts",
    "deno task sweep configs/sweeps/gpt_tiny.ts --budget=1.5h --parallel=4",
  ],
  flags: {
    out: z.string().min(1).optional().meta({ value: "DIR" }).describe(
      "Folder of the sweep; default: runs/NAME",
    ),
    parallel: z.int().min(1).optional().describe(
      "Trials at a time; default: the file's, or the processor's cores",
    ),
    budget: z.array(z.string().min(1)).optional().meta({ value: "N" }).describe(
      "What this call may spend: seconds, 20m, 1.5h or 1e15flop; may be repeated",
    ),
    retries: z.int().min(0).optional().describe(
      "Times that a failed trial is tried again; default: the file's",
    ),
    "dry-run": z.boolean().default(false).describe(
      "List the trials, say how long they will take, and start none",
    ),
    probe: z.int().min(0).default(1).meta({ value: "STEPS" }).describe(
      "Steps of two trials that --dry-run times for that; 0 times none",
    ),
  },
} satisfies FlagsSpec;

/** A call of `sweep`. */
export interface SweepRequest {
  /** The sweep file. */
  readonly file: string;
  readonly out: string | undefined;
  readonly parallel: number | undefined;
  readonly retries: number | undefined;
  readonly bounds: Bounds;
  readonly dryRun: boolean;
  /** Steps of two trials that a dry run times. */
  readonly probe: number;
  /** Overrides of the base config: dotted key to the text of its value. */
  readonly overrides: Readonly<Record<string, string>>;
}

/** Reads a command line. @throws {UserError} `config`. */
export function parseSweep(args: readonly string[]): SweepRequest | "help" {
  const { flags, overrides } = parted(args);
  const { positionals, values, help } = parseFlags(flags, SWEEP);
  if (help) return "help";
  const [file, ...more] = positionals;
  if (file === undefined || more.length > 0) {
    throw new UserError(
      "config",
      `Cannot sweep: need one sweep file: ${positionals.join(" and ") || "none given"}`,
    );
  }
  return {
    file,
    out: values["out"],
    parallel: values["parallel"],
    retries: values["retries"],
    bounds: boundsOf(values["budget"] ?? []),
    dryRun: values["dry-run"],
    probe: values["probe"],
    overrides,
  };
}

/** Whether an unknown name is like a key, whose hints know more, and like no flag of its own. */
function isMeantAsKey(
  path: string,
  { own, known }: { own: ReadonlySet<string>; known: ReadonlySet<string> },
): boolean {
  if (nearestKey(path.replaceAll("_", "-"), Array.from(own)) !== undefined) return false;
  return fromElsewhere(path) !== undefined || nearestKey(path, Array.from(known)) !== undefined;
}

/** Flags of its own, and those that are keys of a config, written `--key=value`. */
function parted(
  args: readonly string[],
): { flags: string[]; overrides: Record<string, string> } {
  const own = new Set(flagNames(SWEEP));
  const known = new Set(keys().map(({ path }) => path));
  const overrides: Record<string, string> = {};
  const flags = args.filter((arg) => {
    const [, name = "", value = ""] = /^--([^=]+)=([^]+)$/.exec(arg) ?? [];
    const path = name === "data" ? "data.path" : name.replaceAll("-", "_");
    if (name === "" || own.has(name)) return true;
    // Keys of a module of the user are known once it is imported.
    const isKey = path.includes(".") || known.has(path) || isMeantAsKey(path, { own, known });
    if (!isKey) return true;
    overrides[path] = value;
    return false;
  });
  return { flags, overrides };
}
