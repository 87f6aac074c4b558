/** Reads a config file as a plain value. Knows files, not what a config means. */
import { extname, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { fileFault } from "../base/file_fault.ts";
import { Refusal } from "../base/refusal.ts";
import { isPipe } from "../data/pipe.ts";
import { readWhole } from "../data/read.ts";
import { isPlain, type PlainConfig } from "./overrides.ts";

/** The object in a .json file or a pipe, or the default export of a .ts or .js one; unchecked. */
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
  return value;
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
    if (extension === ".json") return JSON.parse(await readWhole(path));
    const module: { readonly default?: unknown } = await import(pathToFileURL(resolve(path)).href);
    return module.default;
  } catch (error) {
    // What holds no text is as much a fault of the config as what holds no config.
    if (error instanceof Refusal) throw new Refusal("config", error.message);
    const known = fileFault(error, { doing: "load", path, need: "a file", exit: "config" });
    if (known instanceof Refusal) throw known;
    throw refusal(path, `need a file that loads: ${firstLine(error)}`);
  }
}

function refusal(path: string, fault: string): Refusal {
  return new Refusal("config", `Cannot load ${path}: ${fault}`);
}

function firstLine(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message.split("\n")[0] ?? "";
}
