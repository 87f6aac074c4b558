/**
 * Which files are read, and what is in each by its name: text, or a document per line; packed or not.
 * They come in order of name, so that no order on the command line changes anything.
 */
import { join, normalize } from "node:path";
import { fileFault } from "../base/file_fault.ts";
import { Refusal } from "../base/refusal.ts";
import { expand, filesBelow, hasWildcards } from "./glob.ts";

/** A file to read. */
export interface Input {
  readonly name: string;
  /** As the file lies: packed where it is packed. */
  readonly bytes: number;
  /** Time of the last change in milliseconds. */
  readonly modified: number;
  /** Whether it is a gzip file. */
  readonly packed: boolean;
  /** A text, or a JSON object with a text in each line. */
  readonly kind: "text" | "jsonl";
}

/** What is taken from a folder; a file that is named is taken whatever its name. */
const TEXTS = /\.(txt|jsonl)(\.gz)?$/i;

/** The files that names, folders and patterns stand for. @throws {Refusal} `noInput` or `data` */
export async function inputsOf(names: readonly string[]): Promise<Input[]> {
  const paths = new Set<string>();
  for (const name of names) {
    for (const path of await pathsOf(name)) paths.add(normalize(path));
  }
  const inputs: Input[] = [];
  for (const path of Array.from(paths).sort()) inputs.push(await inputOf(path));
  return inputs;
}

/** The file as it is now. @throws {Refusal} `noInput` */
export async function inputOf(path: string): Promise<Input> {
  const { size, mtime, isDirectory } = await statOf(path);
  if (isDirectory) {
    throw new Refusal("noInput", `Cannot read ${path}: need a text file: it is a folder`);
  }
  const plain = isPacked(path) ? path.slice(0, -".gz".length) : path;
  return {
    name: path,
    bytes: size,
    modified: mtime?.getTime() ?? 0,
    packed: isPacked(path),
    kind: /\.jsonl$/i.test(plain) ? "jsonl" : "text",
  };
}

/** Whether a file is a gzip file, by its name. */
export function isPacked(path: string): boolean {
  return /\.gz$/i.test(path);
}

async function pathsOf(name: string): Promise<string[]> {
  const info = await Deno.stat(name).catch(() => undefined);
  if (info?.isDirectory) {
    const all = await Array.fromAsync(filesBelow(name));
    const texts = all.filter((path) => TEXTS.test(path)).map((path) => join(name, path));
    if (texts.length > 0) return texts;
    throw new Refusal(
      "noInput",
      `Cannot read ${name}: need .txt or .jsonl files, packed as .gz or not: the folder has none`,
    );
  }
  if (info !== undefined || !hasWildcards(name)) return [name];
  const matches = await expand(name);
  if (matches.length > 0) return matches;
  throw new Refusal("noInput", `Cannot read ${name}: need files of such names: there are none`);
}

async function statOf(path: string): Promise<Deno.FileInfo> {
  try {
    return await Deno.stat(path);
  } catch (error) {
    throw readFault(path, error);
  }
}

/** An error of the system as a refusal where the user can mend it. */
export function readFault(path: string, error: unknown): unknown {
  return fileFault(error, { doing: "read", path, need: "a text file" });
}
