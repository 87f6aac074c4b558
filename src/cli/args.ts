/** The command line of `train` as a value: a config file, flags, and keys of a config with texts. */
import { UserError } from "../base/user_error.ts";
import { dashElsewhere, fromElsewhere } from "../config/elsewhere.ts";
import { keys } from "../config/keys.ts";
import { hintFor, nearestKey } from "../config/suggest.ts";
import { splitWords } from "./words.ts";

/** A parsed command line of `train`. */
export interface CommandLine {
  /** Path of the config file. */
  readonly config?: string;
  /** Dotted key, with `_`, to the text of its value; the last of two wins. */
  readonly overrides: Readonly<Record<string, string>>;
  /** Path of the run to resume, or of its newest checkpoint. */
  readonly resume?: string;
  /** Path of the run to restart at step 0. */
  readonly restart?: string;
  /** Write through symbolic links in the folder of the run that is resumed. */
  readonly followLinks?: true;
  readonly help: boolean;
  /** Print the resolved config, and train nothing. */
  readonly printConfig?: true;
  /** Path of a fault plan; needs `testing`. */
  readonly faults?: string;
  /** Allow flags that only tests of the program use. */
  readonly testing: boolean;
}

/** The key of the text to train on. */
const DATA = "data.path";

/** Flags that stand for a key of another name. */
const ALIASES: ReadonlyMap<string, string> = new Map([["data", DATA]]);

/** Whether a word names a text to train on, as `train my.txt` does: no config ends so. */
function isText(word: string): boolean {
  return /\.(?:txt|text|md)$/i.test(word);
}

/** Flags with a value that are no keys. */
const FLAGS: readonly string[] = ["config", "resume", "restart", "faults"];

/** Flags without a value. */
const SWITCHES: readonly string[] = ["help", "testing", "print-config", "follow-links"];

function isSwitch(name: string): boolean {
  return name === "h" || SWITCHES.includes(name.replaceAll("_", "-"));
}

/** Reads `[config] [text] [--key=value | --key value]...`; refuses what is neither, or lacks a value. */
export function parseCommandLine(args: readonly string[]): CommandLine {
  const configs: string[] = [];
  const texts: string[] = [];
  const flags = new Map<string, string>();
  const on = new Set<string>();
  // A value that begins with a dash needs a "=" before it.
  const takes = (flag: string, next: string) =>
    isSwitch(flag.slice(2)) ? next === "true" || next === "false" : /^(?!-)[^]/.test(next);
  for (const word of splitWords(args, takes)) {
    if (word.kind === "word") {
      (isText(word.text) ? texts : configs).push(word.text);
    } else if (isSwitch(word.name) && (word.name !== "h" || word.written === "-h")) {
      const name = word.name === "h" ? "help" : word.name.replaceAll("_", "-");
      if (word.value === "false") on.delete(name);
      else on.add(name);
    } else {
      const [key, value] = flagOf(word.written, word.name, word.value);
      flags.set(key, value);
    }
  }
  const testing = on.has("testing");
  const named = flags.get("config");
  if (named !== undefined) configs.push(named);
  if (configs.length > 1) {
    throw new UserError(
      "config",
      `Cannot read the command line: need at most one config file: got ${configs.join(" and ")}`,
    );
  }
  const [config] = configs;
  const [text] = texts;
  if (text !== undefined) {
    const data = flags.get(DATA);
    if (data !== undefined) texts.push(data);
    if (texts.length > 1) {
      throw new UserError(
        "config",
        `Cannot read the command line: need at most one text: got ${texts.join(" and ")}`,
      );
    }
    flags.set(DATA, text);
  }
  const resume = flags.get("resume");
  const restart = flags.get("restart");
  const faults = flags.get("faults");
  if (faults !== undefined && !testing) {
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
    help: on.has("help"),
    ...(on.has("follow-links") && { followLinks: true }),
    ...(on.has("print-config") && { printConfig: true }),
    ...(faults !== undefined && { faults }),
    testing,
  };
}

/** A hint at the key that a one-dash flag of another trainer corresponds to. */
function meant(arg: string): string {
  const key = dashElsewhere((arg.split("=", 1)[0] as string).replaceAll(/^-+/g, ""));
  return key === undefined ? "" : `: did you mean --${key}?`;
}

function flagOf(
  written: string,
  name: string,
  value: string | undefined,
): readonly [string, string] {
  if (!written.startsWith("--")) {
    throw new UserError(
      "config",
      `Cannot read "${written}": need two dashes and the whole name of a key${meant(written)}`,
    );
  }
  const path = name.replaceAll("-", "_");
  if (value === undefined || value === "") {
    throw new UserError("config", withoutValue(name, ALIASES.get(path) ?? path));
  }
  return [ALIASES.get(path) ?? path, value];
}

/** The error of a flag without a value; for an unknown key, the hint at the nearest one. */
function withoutValue(name: string, path: string): string {
  const all = keys();
  const key = all.find((known) => known.path === path);
  const paths = all.map((known) => known.path);
  // The options of a source of the user are known once its module is imported.
  const isOption = path.startsWith("data.options.");
  const isUnknown = key === undefined && !isOption && !FLAGS.includes(path) &&
    (fromElsewhere(path) ?? nearestKey(path, paths)) !== undefined;
  if (isUnknown) return `Unknown key "${name}": ${hintFor(path, paths)}`;
  const example = key?.types.includes("boolean") ? "true" : "value";
  return `Cannot read --${name}: need a value, as in --${name}=${example}: none given`;
}
