/** The command line of a command with flags of its own, as values. Knows no command. */
// @ts-types="./parse_args.d.ts"
import { parseArgs } from "@std/cli/parse-args";
import { own } from "../base/own.ts";
import { UserError } from "../base/user_error.ts";
import { holdsInF32 } from "../config/limits.ts";
import { nearestKey } from "../config/suggest.ts";
import { table } from "./table.ts";

/** One flag. */
export interface FlagSpec {
  /** As the help writes it, with `-`: `top-k`. */
  readonly name: string;
  /** `list`: texts, the flag may be repeated. */
  readonly kind: "text" | "number" | "integer" | "boolean" | "list";
  /** What stands for the value in the help: `N`, `FILE`. */
  readonly value?: string;
  readonly help: string;
  readonly default?: unknown;
  /** Texts that it takes, and no other. */
  readonly choices?: readonly string[];
  /** Which choice another text means, in words. */
  readonly meant?: (text: string) => string | undefined;
  /** What a number must be, for people and by test: `in (0, 1]`. */
  readonly range?: { readonly need: string; readonly holds: (value: number) => boolean };
  /** The empty text is a value. */
  readonly empty?: boolean;
}

/** What a command takes. */
export interface FlagsSpec {
  /** How it is called: `deno task generate PATH [--flag=value]...`. */
  readonly usage: string;
  /** What it does: lines of the help. */
  readonly about: string;
  readonly flags: readonly FlagSpec[];
}

/** What a command line says. */
export interface Flags {
  readonly positionals: string[];
  /** By the name in the spec; undefined where not given and no default. */
  // deno-lint-ignore no-explicit-any
  readonly values: Record<string, any>;
  readonly help: boolean;
}

/** Flags as other programs call them. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  "max-new-tokens": "tokens",
  "max-tokens": "tokens",
  "max-length": "tokens",
  "n-predict": "tokens",
  "length": "tokens",
  "num-samples": "num",
  "num-return-sequences": "num",
  "n": "num",
  "start": "prompt",
  "text": "prompt",
  "input": "prompt",
  "stop-sequences": "stop",
  "frequency-penalty": "repetition-penalty",
  "random-seed": "seed",
  "out-dir": "out",
  "output": "out",
  "output-dir": "out",
  "dataset": "data",
  "jobs": "parallel",
  "text-column": "field",
  "vocab-size": "tokenizer",
  "val-split": "validation",
};

/**
 * Reads `[word | --key=value | --key value]...`; `-` and `_` are alike, the last of two values wins.
 * With `-h` or `--help` nothing else is looked at. @throws {UserError} `config`.
 */
export function parseFlags(args: readonly string[], spec: FlagsSpec): Flags {
  const ours = args.includes("--") ? args.slice(0, args.indexOf("--")) : args;
  if (ours.includes("-h") || ours.includes("--help")) {
    return { positionals: [], values: {}, help: true };
  }
  const values: Flags["values"] = Object.fromEntries(
    spec.flags.map((flag) => [flag.name, flag.default]),
  );
  const given = new Set<string>();
  const { _: positionals } = parseArgs(joined(args, spec.flags), {
    string: ["_"],
    // Every flag arrives here with its text as written, so nothing guesses at numbers.
    unknown(arg, key, text) {
      if (key === undefined) return true;
      const flag = flagOf(arg, spec.flags);
      const value = valueOf(flag, typeof text === "string" ? text : undefined);
      const before = given.has(flag.name) ? values[flag.name] : [];
      values[flag.name] = flag.kind === "list" ? [...before, value] : value;
      given.add(flag.name);
      return false;
    },
  });
  return { positionals: positionals.map(String), values, help: false };
}

/** Usage, what the command does, and each flag with its default. */
export function flagsHelp({ usage, about, flags }: FlagsSpec): string {
  const rows = flags.map((flag) => [`--${flag.name}${shownValue(flag)}`, describe(flag)]);
  return [
    `Usage: ${usage}`,
    "",
    about,
    "",
    "Flags; - and _ mean the same in them:",
    ...table([...rows, ["-h, --help", "This text"]]),
    "",
  ].join("\n");
}

/**
 * `args` with each flag's value behind a `=`. Only who knows the flags can tell that the word after
 * `--temperature` is its value even if it begins with a dash, and that `--logprobs` has none.
 */
function joined(args: readonly string[], flags: readonly FlagSpec[]): string[] {
  const words: string[] = [];
  for (let i = 0; i < args.length; i++) {
    const word = args[i] as string;
    if (word === "--") return [...words, ...args.slice(i)];
    if (word === "-") words.push(word);
    else if (!word.startsWith("--") || word.includes("=")) words.push(word);
    else {
      const flag = flagOf(word, flags);
      const next = args[i + 1];
      const takes = next !== undefined &&
        (flag.kind === "boolean" ? next === "true" || next === "false" : !next.startsWith("--"));
      if (takes) i++;
      if (takes) words.push(`${word}=${next}`);
      else words.push(flag.kind === "boolean" ? `${word}=true` : word);
    }
  }
  return words;
}

function flagOf(arg: string, flags: readonly FlagSpec[]): FlagSpec {
  if (!arg.startsWith("--")) {
    throw new UserError(
      "config",
      `Cannot read "${arg}": need two dashes and the whole name of a flag`,
    );
  }
  const name = (arg.split("=", 1)[0] as string).slice(2);
  const plain = (text: string) => text.replaceAll("_", "-");
  const flag = flags.find((known) => plain(known.name) === plain(name));
  if (flag !== undefined) return flag;
  const names = flags.map((known) => known.name);
  const other = own(ELSEWHERE, plain(name));
  // The beginning of a name is more than a few letters in common.
  const nearest = names.find((known) => name !== "" && plain(known).startsWith(plain(name))) ??
    names.find((known) => known === other) ?? nearestKey(plain(name), names);
  const hint = nearest === undefined ? "--help lists the flags" : `did you mean --${nearest}?`;
  throw new UserError("config", `Unknown flag --${name}: ${hint}`);
}

function valueOf(flag: FlagSpec, text: string | undefined): unknown {
  const { kind, name } = flag;
  if (text === undefined || (text === "" && flag.empty !== true)) {
    throw new UserError(
      "config",
      `Cannot read --${name}: need a value, as in --${name}=value: none given`,
    );
  }
  const value = kind === "number" || kind === "integer"
    ? numberOf(flag, text)
    : kind === "boolean"
    ? { true: true, false: false }[text]
    : flag.choices === undefined || flag.choices.includes(text)
    ? text
    : undefined;
  if (value !== undefined) return value;
  const hint = flag.meant?.(text);
  const rest = hint === undefined ? text : `${text} (${hint})`;
  throw new UserError("config", `Cannot take --${name}: need ${needOf(flag)}: ${rest}`);
}

function numberOf({ kind, range }: FlagSpec, text: string): number | undefined {
  const value = text.trim() === "" ? NaN : Number(text);
  const good = kind === "integer"
    ? Number.isSafeInteger(value)
    : Number.isFinite(value) && holdsInF32(value);
  return good && (range?.holds(value) ?? true) ? value : undefined;
}

/** What a flag's value must be, for people. */
function needOf({ kind, range, choices }: FlagSpec): string {
  if (choices !== undefined) return choices.join(" | ");
  if (kind === "number" || kind === "integer") {
    return (kind === "number" ? "a number" : "an integer") + (range ? ` ${range.need}` : "");
  }
  return kind === "boolean" ? "true or false" : "a text";
}

function shownValue({ kind, value, choices }: FlagSpec): string {
  if (kind === "boolean") return "";
  if (choices !== undefined) return ` ${value ?? "NAME"}`;
  return ` ${value ?? (kind === "number" || kind === "integer" ? "N" : "TEXT")}`;
}

function describe(flag: FlagSpec): string {
  const bounds = flag.choices?.join(" | ") ?? flag.range?.need ?? "";
  const preset = flag.default === undefined || flag.default === false ||
      (Array.isArray(flag.default) && flag.default.length === 0)
    ? ""
    : `default ${flag.default}`;
  const notes = [bounds, preset].filter((note) => note !== "").join("; ");
  return notes === "" ? flag.help : `${flag.help} (${notes})`;
}
