/**
 * The command line of a command with flags of its own, as values. Each flag is a schema: kind,
 * range, choices, default and help text follow from it.
 */
import * as z from "zod";
import { own } from "../base/own.ts";
import { UserError } from "../base/user_error.ts";
import { type ConfigKey, keys } from "../config/keys.ts";
import { holdsInF32 } from "../config/limits.ts";
import { nearestKey } from "../config/suggest.ts";
import { asCalled } from "./called.ts";
import { table } from "./table.ts";
import { splitWords } from "./words.ts";

/**
 * The flags of a command by name, as the help writes it, with `-`: `top-k`. A schema is a text,
 * number, integer, boolean, enum, or a list of texts, which may be repeated; optional or with a
 * default. `describe()` gives the line of the help. `meta()` may have `value`, what stands for the
 * value in the help (`FILE`), and `meant`, which says what another text than the choices means.
 */
export type FlagSchemas = Readonly<Record<string, z.ZodType>>;

/** What a command takes. */
export interface FlagsSpec {
  /** How it is called: `deno task generate PATH [--flag=value]...`. */
  readonly usage: string;
  /** What it does: lines of the help. */
  readonly about: string;
  /** Calls as people make them. */
  readonly examples?: readonly string[];
  /** In the order of the help: what is used most stands first. */
  readonly flags: FlagSchemas;
}

/** What a command line says. */
export interface Flags<S extends FlagsSpec = FlagsSpec> {
  readonly positionals: string[];
  /** By the name in the spec; undefined where not given and no default. */
  readonly values: { readonly [Name in keyof S["flags"]]: z.output<S["flags"][Name]> };
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

/** A flag, with what follows from its schema. */
interface Flag extends ConfigKey {
  readonly schema: z.ZodType;
  readonly kind: "text" | "number" | "integer" | "boolean" | "list";
}

/**
 * Reads `[word | --key=value | --key value]...`; `-` and `_` are alike, the last of two values wins.
 * With `-h` or `--help` nothing else is looked at. @throws {UserError} `config`.
 */
export function parseFlags<S extends FlagsSpec>(args: readonly string[], spec: S): Flags<S> {
  const flags = flagsOf(spec);
  const values: Record<string, unknown> = Object.fromEntries(
    flags.map((flag) => [flag.path, flag.default]),
  );
  const ours = args.includes("--") ? args.slice(0, args.indexOf("--")) : args;
  const help = ours.includes("-h") || ours.includes("--help");
  const positionals: string[] = [];
  const given = new Set<string>();
  // A boolean flag may stand alone; the value of another one may begin with one dash.
  const takes = (word: string, next: string) =>
    flagOf(word, flags).kind === "boolean"
      ? next === "true" || next === "false"
      : !next.startsWith("--");
  for (const word of help ? [] : splitWords(args, takes)) {
    if (word.kind === "word") {
      positionals.push(word.text);
      continue;
    }
    const flag = flagOf(word.written, flags);
    const { kind, path } = flag;
    const value = valueOf(flag, word.value ?? (kind === "boolean" ? "true" : undefined));
    const before = given.has(path) ? values[path] as unknown[] : [];
    values[path] = kind === "list" ? [...before, ...value as unknown[]] : value;
    given.add(path);
  }
  return { positionals, values: values as Flags<S>["values"], help };
}

/** The names of a command's flags, in their order. */
export function flagNames({ flags }: FlagsSpec): string[] {
  return Object.keys(flags);
}

/** Whether a flag needs no value behind it. */
export function isSwitch({ flags }: FlagsSpec, name: string): boolean {
  return flags[name] !== undefined && flagsOf({ flags: { [name]: flags[name] } })[0]?.kind ===
      "boolean";
}

/** Usage, what the command does, examples, and each flag with its default. */
export function flagsHelp(spec: FlagsSpec): string {
  const { usage, about, examples = [] } = spec;
  const rows = flagsOf(spec).map((flag) => [`--${flag.path}${shownValue(flag)}`, describe(flag)]);
  return asCalled([
    `Usage: ${usage}`,
    "",
    about,
    "",
    ...examples.length === 0 ? [] : ["Examples:", ...examples.map((line) => `  ${line}`), ""],
    "Flags; - and _ mean the same in them:",
    ...table([...rows, ["-h, --help", "This text"]]),
    "",
  ].join("\n"));
}

function flagsOf({ flags }: Pick<FlagsSpec, "flags">): Flag[] {
  return keys(z.object(flags)).map((key) => {
    const [type = "string"] = key.types;
    const kind = type === "string"
      ? "text"
      : type === "array"
      ? "list"
      : type as "number" | "integer" | "boolean";
    return { ...key, schema: flags[key.path] as z.ZodType, kind };
  });
}

function flagOf(arg: string, flags: readonly Flag[]): Flag {
  if (!arg.startsWith("--")) {
    throw new UserError(
      "config",
      `Cannot read "${arg}": need two dashes and the whole name of a flag`,
    );
  }
  const name = (arg.split("=", 1)[0] as string).slice(2);
  const plain = (text: string) => text.replaceAll("_", "-");
  const flag = flags.find((known) => plain(known.path) === plain(name));
  if (flag !== undefined) return flag;
  const names = flags.map((known) => known.path);
  const other = own(ELSEWHERE, plain(name));
  // The beginning of a name is more than a few letters in common.
  const nearest = names.find((known) => name !== "" && plain(known).startsWith(plain(name))) ??
    names.find((known) => known === other) ?? nearestKey(plain(name), names);
  const hint = nearest === undefined ? "--help lists the flags" : `did you mean --${nearest}?`;
  throw new UserError("config", `Unknown flag --${name}: ${hint}`);
}

function valueOf(flag: Flag, text: string | undefined): unknown {
  const { path: name, schema } = flag;
  if (text === undefined || (text === "" && !schema.safeParse("").success)) {
    throw new UserError(
      "config",
      `Cannot read --${name}: need a value, as in --${name}=value: none given`,
    );
  }
  const value = typed(flag, text);
  if (value !== undefined && schema.safeParse(value).success) return value;
  const hint = (schema.meta()?.["meant"] as ((text: string) => string | undefined) | undefined)?.(
    text,
  );
  const rest = hint === undefined ? text : `${text} (${hint})`;
  throw new UserError("config", `Cannot take --${name}: need ${needOf(flag)}: ${rest}`);
}

/** A text as a value of the flag's kind; undefined where it is none. */
function typed({ kind }: Flag, text: string): unknown {
  if (kind === "text") return text;
  if (kind === "list") return [text];
  if (kind === "boolean") return { true: true, false: false }[text];
  const value = text.trim() === "" ? NaN : Number(text);
  return kind === "integer" || holdsInF32(value) ? value : undefined;
}

/** What a flag's value must be, for people. */
function needOf({ kind, need }: Flag): string {
  if (kind === "number" || kind === "integer") return `${kind === "number" ? "a" : "an"} ${need}`;
  if (kind === "boolean") return "true or false";
  return hasChoices({ kind, need }) ? need : "a text";
}

function hasChoices({ kind, need }: Pick<Flag, "kind" | "need">): boolean {
  return kind === "text" && need !== "string";
}

function shownValue(flag: Flag): string {
  if (flag.kind === "boolean") return "";
  const isNumber = flag.kind === "number" || flag.kind === "integer";
  return ` ${
    flag.schema.meta()?.["value"] ?? (isNumber ? "N" : hasChoices(flag) ? "NAME" : "TEXT")
  }`;
}

function describe(flag: Flag): string {
  const { kind, need, default: preset, description } = flag;
  const isNumber = kind === "number" || kind === "integer";
  const bounds = isNumber ? need.slice(kind.length).trim() : hasChoices(flag) ? need : "";
  const shown = preset === undefined || preset === false ||
      (Array.isArray(preset) && preset.length === 0)
    ? ""
    : `default ${preset}`;
  const notes = [bounds, shown].filter((note) => note !== "").join("; ");
  return notes === "" ? description : `${description} (${notes})`;
}
