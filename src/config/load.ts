/** Reads a config file as a plain value. Knows files, not what a config means. */
// @ts-types="./jsonc_parse.d.ts"
import { parse } from "@std/jsonc/parse";
import { extname, join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { fileFault } from "../base/file_fault.ts";
import { own } from "../base/own.ts";
import { Refusal } from "../base/refusal.ts";
import { isPipe } from "../data/pipe.ts";
import { isPrepared } from "../data/prepared/open.ts";
import { readWhole } from "../data/read.ts";
import { isPlain, type PlainConfig } from "./overrides.ts";
import { plainFault } from "./plain_data.ts";

/**
 * The object in a .json file or a pipe, which may have comments and trailing commas, or the default
 * export of a .ts or .js one; its keys are unchecked.
 */
export async function loadConfig(path: string): Promise<PlainConfig> {
  const value = await readValue(path);
  if (!isPlain(value)) {
    const isModule = [".ts", ".js"].includes(extname(path));
    const where = isModule ? "an object as default export" : "an object";
    throw refusal(
      path,
      `need ${where}: ${value === undefined ? "there is none" : "it is another value"}`,
    );
  }
  const fault = plainFault(value);
  if (fault === undefined) return value;
  throw refusal(path, `need numbers, texts, true, false, null, lists and objects: ${fault}`);
}

/** Milliseconds that a module may take to load. */
const PATIENCE = 30_000;

/** Endings of files that hold a text to train on. */
const TEXTS = [".txt", ".text", ".md"];

async function readValue(path: string): Promise<unknown> {
  // A pipe has no name that tells, and no module comes out of it.
  const piped = await isPipe(path);
  const extension = piped ? ".json" : extname(path);
  try {
    if (!piped && isFolder(path)) throw refusal(path, `need a file: ${folderHint(path)}`);
    if (![".ts", ".js", ".json"].includes(extension)) {
      const hint = TEXTS.includes(extension) ? `; to train on a text give --data=${path}` : "";
      throw refusal(path, `need a .ts, .js or .json file: the name ends in "${extension}"${hint}`);
    }
    if (!piped && !(await Deno.stat(path)).isFile) throw refusal(path, "need a file: it is none");
    if (extension === ".json") return parsed(path, await readWhole(path));
  } catch (error) {
    // What holds no text is as much a fault of the config as what holds no config.
    if (error instanceof Refusal) throw new Refusal("config", error.message);
    throw fileFault(error, { doing: "load", path, need: "a file", exit: "config" });
  }
  try {
    return await moduleValue(path);
  } catch (error) {
    throw refusal(path, `need a file that loads: ${reasonOf(error, path)}`);
  }
}

/** The default export of a module, whose getters are called here: they may throw. */
async function moduleValue(path: string): Promise<unknown> {
  const late = Promise.withResolvers<never>();
  // Deno ends a process that only waits for a promise nobody settles: the timer keeps it alive.
  const timer = setTimeout(
    () => late.reject(new Error(`it waits for longer than ${PATIENCE / 1000} s`)),
    PATIENCE,
  );
  try {
    const loading: Promise<{ readonly default?: unknown }> = import(
      pathToFileURL(resolve(path)).href
    );
    const { default: value } = await Promise.race([loading, late.promise]);
    plainFault(value);
    return value;
  } finally {
    clearTimeout(timer);
  }
}

/** Whether a folder is at a path; what cannot be looked at is refused where it is read. */
function isFolder(path: string): boolean {
  try {
    return Deno.statSync(path).isDirectory;
  } catch {
    return false;
  }
}

/** What a folder is, and the flag that takes it. */
function folderHint(path: string): string {
  if (isPrepared(path)) return `it is a folder of tokens; to train on it give --data=${path}`;
  const names = new Set(Array.from(Deno.readDirSync(path), ({ name }) => name));
  const config = join(path, "config.json");
  if (!names.has("config.json")) return "it is a folder";
  return names.has("metrics.jsonl")
    ? `it is the folder of a run; give --resume=${path} to go on with it, or ${config} to train it anew`
    : `it is the folder of a model; to begin with it give --init=${path}`;
}

/** The value of a JSON text. @throws {Refusal} that says in which line and column it goes wrong. */
function parsed(path: string, text: string): unknown {
  try {
    return parse(text);
  } catch (error) {
    const [, what = "", position] =
      /^Cannot parse JSONC: (.*?)(?: in JSONC at position (\d+))?$/.exec(firstLine(error)) ?? [];
    const place = placeOf(text, position === undefined ? text.trimEnd().length : Number(position));
    const reason = (what || firstLine(error)).replaceAll("JSONC", "JSON").replaceAll('""', '"');
    throw refusal(path, `need a file that loads: ${reason} at ${place}`);
  }
}

function placeOf(text: string, position: number): string {
  const lines = text.slice(0, position).split("\n");
  return `line ${lines.length}, column ${(lines.at(-1) ?? "").length + 1}`;
}

function refusal(path: string, fault: string): Refusal {
  return new Refusal("config", `Cannot load ${path}: ${fault}`);
}

/** Why a module does not load, and where in it or in what it imports. */
function reasonOf(error: unknown, path: string): string {
  const text = error instanceof Error ? `${error.message}\n${error.stack}` : String(error);
  // Deno colours some of its messages.
  // deno-lint-ignore no-control-regex
  const plain = text.replaceAll(/\x1b\[\d+m/g, "");
  const first = (plain.split("\n")[0] ?? "").replace(/^SyntaxError: |\.$/g, "");
  const reason = forbidden(first) ?? first;
  const [, url, line, column] = /(?:at |\()(file:\/\/\S+?):(\d+):(\d+)\)?$/m.exec(plain) ?? [];
  // A place in this file says nothing of the config.
  if (url === undefined || url === import.meta.url) return reason;
  const file = fileURLToPath(url);
  const place = `line ${line}, column ${column}`;
  return `${reason} at ${place}${file === resolve(path) ? "" : ` of ${file}`}`;
}

/** How every reason begins that is a thing forbidden. */
const FORBIDS = "a config ";

/** What a config may not do, by the name of Deno's permission for it. */
const FORBIDDEN: Readonly<Record<string, string>> = {
  env: "reads no environment variable",
  import: "imports nothing from the network",
  net: "reads nothing from the network",
  write: "writes no file",
  run: "starts no program",
  sys: "asks nothing of the system",
  ffi: "opens no library",
};

/** Deno's advice is to grant a permission, which no flag of ours does: say what a config may not do. */
function forbidden(reason: string): string | undefined {
  const [, permission = "", what] = /^Requires (\w+) access(?: to (".*?"))?/.exec(reason) ?? [];
  const forbids = own(FORBIDDEN, permission);
  if (forbids !== undefined) {
    return `${FORBIDS}${forbids}${what === undefined ? "" : `: ${what}`}`;
  }
  const [, url] = /A remote specifier was requested: (".*?")/.exec(reason) ?? [];
  if (url !== undefined) return `${FORBIDS}${FORBIDDEN["import"]}: ${url}`;
  // A package that is in no lock file would be fetched.
  return reason.startsWith("The lockfile is out of date")
    ? `${FORBIDS}${FORBIDDEN["import"]}: a package is not one of Shoal's`
    : undefined;
}

function firstLine(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message.split("\n")[0] ?? "";
}
