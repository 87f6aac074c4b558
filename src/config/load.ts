/** Reads a config file as a plain value, without validating its keys. */
import type { Node, ParseError } from "jsonc-parser";
import { extname, join } from "node:path";
import { fileFault } from "../base/file_fault.ts";
import { UserError } from "../base/user_error.ts";
import { isPipe } from "../data/pipe.ts";
import { isPrepared } from "../data/prepared/open.ts";
import { readWhole } from "../data/read.ts";
import { evaluateModule } from "./module/module.ts";
import { isPlain, type PlainConfig } from "./overrides.ts";
import { plainFault } from "./plain_data.ts";

/**
 * The object in a .json file or a pipe, where comments and trailing commas are allowed, or the
 * default export of a .ts or .js file. @throws {UserError} `config` if there is no such object.
 */
export async function loadConfig(path: string): Promise<PlainConfig> {
  const value = await readValue(path);
  if (!isPlain(value)) {
    const isModule = [".ts", ".js"].includes(extname(path));
    const where = isModule ? "an object as default export" : "an object";
    throw loadError(
      path,
      `need ${where}: ${value === undefined ? "there is none" : "it is another value"}`,
    );
  }
  const fault = plainFault(value);
  if (fault === undefined) return value;
  throw notPlain(path, fault);
}

function notPlain(path: string, fault: string): UserError {
  return loadError(path, `need numbers, texts, true, false, null, lists and objects: ${fault}`);
}

/** Maximum characters of an unexpected token in an error text. */
const MAX_SHOWN = 40;

/** File extensions of training texts. */
const TEXTS = [".txt", ".text", ".md"];

async function readValue(path: string): Promise<unknown> {
  // A pipe has no extension, and cannot be imported as a module: read JSON.
  const piped = await isPipe(path);
  const extension = piped ? ".json" : extname(path);
  try {
    if (!piped && isFolder(path)) throw loadError(path, `need a file: ${folderHint(path)}`);
    if (![".ts", ".js", ".json"].includes(extension)) {
      const hint = TEXTS.includes(extension) ? `; to train on a text give --data=${path}` : "";
      throw loadError(
        path,
        `need a .ts, .js or .json file: the name ends in "${extension}"${hint}`,
      );
    }
    if (!piped && !(await Deno.stat(path)).isFile) throw loadError(path, "need a file: it is none");
    if (extension === ".json") return await parsed(path, await readWhole(path));
  } catch (error) {
    // An unreadable or non-text config exits with the code of config errors.
    if (error instanceof UserError) throw new UserError("config", error.message);
    // The parser is recursive: thousands of nested brackets overflow the stack.
    if (error instanceof RangeError) {
      throw loadError(path, `need a file that loads: ${error.message}`);
    }
    throw fileFault(error, { doing: "load", path, need: "a file", exit: "config" });
  }
  const found = await evaluateModule(path);
  if ("reason" in found) throw loadError(path, `need a file that loads: ${found.reason}`);
  if ("fault" in found) throw notPlain(path, found.fault);
  return found.value;
}

/** Whether a path is a folder; false if it is inaccessible, which reading it then reports. */
function isFolder(path: string): boolean {
  try {
    return Deno.statSync(path).isDirectory;
  } catch {
    return false;
  }
}

/** What kind of folder a path is, and the flag that accepts it. */
function folderHint(path: string): string {
  if (isPrepared(path)) return `it is a folder of tokens; to train on it give --data=${path}`;
  const names = new Set(Array.from(Deno.readDirSync(path), ({ name }) => name));
  const config = join(path, "config.json");
  if (!names.has("config.json")) return "it is a folder";
  return names.has("metrics.jsonl")
    ? `it is the folder of a run; give --resume=${path} to go on with it, or ${config} to train it anew`
    : `it is the folder of a model; to begin with it give --init=${path}`;
}

/** The value of a JSON text. @throws {UserError} `config`, with the position of a syntax error. */
async function parsed(path: string, text: string): Promise<unknown> {
  // Import on demand: most configs are modules, and loading this CommonJS package is slow.
  const { parseTree } = await import("jsonc-parser");
  const faults: ParseError[] = [];
  const tree = parseTree(text, faults, { allowTrailingComma: true });
  const [fault] = faults;
  if (fault === undefined && tree !== undefined) return valueOf(tree);
  const end = text.trimEnd().length;
  const at = Math.min(fault?.offset ?? end, end);
  const token = fault === undefined ? "" : text.slice(at, at + Math.min(fault.length, MAX_SHOWN));
  const what = token === "" || at === end
    ? "unexpected end of JSON input"
    : `unexpected token ${token.startsWith('"') ? token : `"${token}"`}`;
  throw loadError(path, `need a file that loads: ${what} at ${placeOf(text, at)}`);
}

/** The value of a node. `Object.fromEntries` keeps `__proto__` an ordinary key. */
function valueOf(node: Node): unknown {
  const { type, children = [] } = node;
  if (type === "array") return children.map(valueOf);
  if (type !== "object") return node.value;
  return Object.fromEntries(children.map(({ children: [key, value] = [] }) => [
    key?.value,
    value === undefined ? undefined : valueOf(value),
  ]));
}

function placeOf(text: string, position: number): string {
  const lines = text.slice(0, position).split("\n");
  return `line ${lines.length}, column ${(lines.at(-1) ?? "").length + 1}`;
}

function loadError(path: string, fault: string): UserError {
  return new UserError("config", `Cannot load ${path}: ${fault}`);
}
