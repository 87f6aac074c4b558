/** Reads a config file as a plain value. Knows files, not what a config means. */
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
  throw notPlain(path, fault);
}

function notPlain(path: string, fault: string): UserError {
  return refusal(path, `need numbers, texts, true, false, null, lists and objects: ${fault}`);
}

/** Characters of a wrong token that are shown. */
const MAX_SHOWN = 40;

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
    if (extension === ".json") return await parsed(path, await readWhole(path));
  } catch (error) {
    // What holds no text is as much a fault of the config as what holds no config.
    if (error instanceof UserError) throw new UserError("config", error.message);
    // The parser recurses: thousands of brackets in a row exhaust its stack.
    if (error instanceof RangeError) {
      throw refusal(path, `need a file that loads: ${error.message}`);
    }
    throw fileFault(error, { doing: "load", path, need: "a file", exit: "config" });
  }
  const found = await evaluateModule(path);
  if ("reason" in found) throw refusal(path, `need a file that loads: ${found.reason}`);
  if ("fault" in found) throw notPlain(path, found.fault);
  return found.value;
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

/** The value of a JSON text. @throws {UserError} that says in which line and column it goes wrong. */
async function parsed(path: string, text: string): Promise<unknown> {
  // A CommonJS package: loading it takes longer than reading most configs, which are modules.
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
  throw refusal(path, `need a file that loads: ${what} at ${placeOf(text, at)}`);
}

/** The value of a node. A key `__proto__` becomes a key, and no prototype. */
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

function refusal(path: string, fault: string): UserError {
  return new UserError("config", `Cannot load ${path}: ${fault}`);
}
