/** Reads a config file as a plain value. Knows files, not what a config means. */
// @ts-types="./jsonc_parse.d.ts"
import { parse } from "@std/jsonc/parse";
import { extname, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { fileFault } from "../base/file_fault.ts";
import { Refusal } from "../base/refusal.ts";
import { isPipe } from "../data/pipe.ts";
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

async function readValue(path: string): Promise<unknown> {
  // A pipe has no name that tells, and no module comes out of it.
  const piped = await isPipe(path);
  const extension = piped ? ".json" : extname(path);
  if (![".ts", ".js", ".json"].includes(extension)) {
    throw refusal(path, `need a .ts, .js or .json file: the name ends in "${extension}"`);
  }
  try {
    if (!piped && !(await Deno.stat(path)).isFile) throw refusal(path, "need a file: it is none");
    if (extension === ".json") return parsed(path, await readWhole(path));
    const module: { readonly default?: unknown } = await import(pathToFileURL(resolve(path)).href);
    return module.default;
  } catch (error) {
    // What holds no text is as much a fault of the config as what holds no config.
    if (error instanceof Refusal) throw new Refusal("config", error.message);
    const known = fileFault(error, { doing: "load", path, need: "a file", exit: "config" });
    if (known instanceof Refusal) throw known;
    throw refusal(path, `need a file that loads: ${reasonOf(error, path)}`);
  }
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
  const reason = (plain.split("\n")[0] ?? "").replace(/^SyntaxError: |\.$/g, "");
  const [, url, line, column] = /(?:at |\()(file:\/\/\S+?):(\d+):(\d+)\)?$/m.exec(plain) ?? [];
  if (url === undefined) return reason;
  const file = fileURLToPath(url);
  const place = `line ${line}, column ${column}`;
  return `${reason} at ${place}${file === resolve(path) ? "" : ` of ${file}`}`;
}

function firstLine(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message.split("\n")[0] ?? "";
}
