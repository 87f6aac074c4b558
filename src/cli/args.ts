/** The command line as a value. Knows its syntax, not which keys a config has. */
// @ts-types="./parse_args.d.ts"
import { parseArgs } from "@std/cli/parse-args";
import { UserError } from "../base/user_error.ts";
import { dashElsewhere, fromElsewhere } from "../config/elsewhere.ts";
import { keys } from "../config/keys.ts";
import { hintFor, nearestKey } from "../config/suggest.ts";

/** What a command line asks for. */
export interface CommandLine {
  /** Path of the config file. */
  readonly config?: string;
  /** Dotted key, with `_`, to the text of its value; the last of two wins. */
  readonly overrides: Readonly<Record<string, string>>;
  /** Path of the run to go on from, or of its newest checkpoint. */
  readonly resume?: string;
  /** Path of the run to begin at step 0 once more. */
  readonly restart?: string;
  /** Write through symbolic links in the folder of the run to go on from. */
  readonly followLinks?: true;
  readonly help: boolean;
  /** Print the resolved config, and train nothing. */
  readonly printConfig?: true;
  /** Path of a fault plan; needs `testing`. */
  readonly faults?: string;
  /** What is asked for is a test of the program itself. */
  readonly testing: boolean;
}

/** Flags that stand for a key of another name. */
const ALIASES: ReadonlyMap<string, string> = new Map([["data", "data.path"]]);

/** Flags with a value that are no keys. */
const FLAGS: readonly string[] = ["config", "resume", "restart", "faults"];

/** Reads `[config] [--key=value | --key value]...`; refuses what is neither, or lacks a value. */
export function parseCommandLine(args: readonly string[]): CommandLine {
  const flags = new Map<string, string>();
  const {
    _: positionals,
    help,
    testing,
    "print-config": printConfig,
    "follow-links": followLinks,
  } = parseArgs(args, {
    boolean: ["help", "testing", "print-config", "follow-links"],
    alias: { h: "help", "print-config": "print_config", "follow-links": "follow_links" },
    // Every flag arrives here, in order and with its text as written: no guess at numbers
    // turns the folder "007" into 7, and nothing is set on an object by a dotted name.
    unknown(arg, key, value) {
      if (key === undefined) return true;
      const [name, text] = flagOf(arg, key, value);
      flags.set(name, text);
      return false;
    },
  });
  const configs = positionals.map(String);
  const named = flags.get("config");
  if (named !== undefined) configs.push(named);
  if (configs.length > 1) {
    throw new UserError(
      "config",
      `Cannot read the command line: need at most one config file: got ${configs.join(" and ")}`,
    );
  }
  const [config] = configs;
  const resume = flags.get("resume");
  const restart = flags.get("restart");
  const faults = flags.get("faults");
  if (faults !== undefined && testing !== true) {
    throw new UserError(
      "config",
      "Cannot take --faults: it needs --testing, for it breaks the run",
    );
  }
  for (const flag of FLAGS) flags.delete(flag);
  return {
    ...(config !== undefined && { config }),
    overrides: Object.fromEntries(flags),
    ...(resume !== undefined && { resume }),
    ...(restart !== undefined && { restart }),
    help,
    ...(followLinks === true && { followLinks }),
    ...(printConfig === true && { printConfig }),
    ...(faults !== undefined && { faults }),
    testing: testing === true,
  };
}

/** The key that a word with one dash stands for in other trainers, as a question. */
function meant(arg: string): string {
  const key = dashElsewhere((arg.split("=", 1)[0] as string).replaceAll(/^-+/g, ""));
  return key === undefined ? "" : `: did you mean --${key}?`;
}

function flagOf(arg: string, key: string, value?: string | boolean): readonly [string, string] {
  if (!arg.startsWith("--")) {
    throw new UserError(
      "config",
      `Cannot read "${arg}": need two dashes and the whole name of a key${meant(arg)}`,
    );
  }
  const name = key.replace(/=$/, "");
  const path = name.replaceAll("-", "_");
  if (typeof value !== "string" || value === "" || name !== key) {
    throw new UserError("config", withoutValue(name, ALIASES.get(path) ?? path));
  }
  return [ALIASES.get(path) ?? path, value];
}

/** What a flag without a value lacks; of an unknown key, which one is meant. */
function withoutValue(name: string, path: string): string {
  const all = keys();
  const key = all.find((known) => known.path === path);
  const paths = all.map((known) => known.path);
  const isUnknown = key === undefined && !FLAGS.includes(path) &&
    (fromElsewhere(path) ?? nearestKey(path, paths)) !== undefined;
  if (isUnknown) return `Unknown key "${name}": ${hintFor(path, paths)}`;
  const example = key?.types.includes("boolean") ? "true" : "value";
  return `Cannot read --${name}: need a value, as in --${name}=${example}: none given`;
}
