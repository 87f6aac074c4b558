/**
 * From names, folders and patterns to the files that are read. They come in order of name, so that
 * no order on the command line changes anything, and a file that is reached twice counts once.
 */
import { extname, join, normalize, resolve } from "node:path";
import { UserError } from "../base/user_error.ts";
import { isPipe } from "../data/pipe.ts";
import { expandGlobs, hasWildcards } from "./glob.ts";
import type { Input } from "./inputs.ts";
import { inputOf } from "./inspect.ts";
import { filesBelow, type LeftOut, leftOutNothing } from "./walk.ts";

/** What names stand for. */
export interface FoundFile {
  readonly files: readonly Input[];
  /** Names of pipes, which are read once and must be kept. */
  readonly pipes: readonly string[];
  /** What people should know of names that were left out. */
  readonly notes: readonly string[];
}

/** What is taken from a folder; a file that is named is taken whatever its name. */
const TEXTS = /\.(txt|jsonl|ndjson|jsonlines)(\.gz)?$/i;

/** Names that a note shows at most, and notes of one kind. */
const SHOWN = 3;

/** What was left out on the way. */
interface Omitted extends LeftOut {
  /** Files in folders that are no texts by their names. */
  readonly others: string[];
}

/** The files that names, folders and patterns stand for. @throws {UserError} `noInput` or `data` */
export async function findInputs(names: readonly string[]): Promise<FoundFile> {
  const omitted: Omitted = { ...leftOutNothing(), others: [] };
  const paths: string[] = [];
  const pipes = new Set<string>();
  for (const name of names) {
    if (await isPipe(name)) pipes.add(name);
    else for (const path of await pathsOf(name, omitted)) paths.push(normalize(path));
  }
  const files: Input[] = [];
  const notes: string[] = [];
  const note = (text: string) => notes.length < SHOWN && notes.push(text);
  for (const path of await eachOnce(paths, omitted)) files.push(await inputOf(path, { note }));
  return { files, pipes: Array.from(pipes), notes: [...notesOf(omitted), ...notes] };
}

async function pathsOf(name: string, omitted: Omitted): Promise<string[]> {
  const info = await Deno.stat(name).catch(() => undefined);
  if (info?.isDirectory) return await textsIn(name, omitted);
  if (info !== undefined || !hasWildcards(name)) return [name];
  const matches = await expandGlobs(name, omitted);
  if (matches.length > 0) return matches;
  throw new UserError("noInput", `Cannot read ${name}: need files of such names: there are none`);
}

async function textsIn(folder: string, omitted: Omitted): Promise<string[]> {
  const leftOut = leftOutNothing();
  const all = await Array.fromAsync(filesBelow(folder, { leftOut }));
  for (const key of ["again", "broken", "special"] as const) {
    for (const path of leftOut[key]) omitted[key].push(join(folder, path));
  }
  const texts = all.filter((path) => TEXTS.test(path)).map((path) => join(folder, path));
  for (const path of all) if (!TEXTS.test(path)) omitted.others.push(join(folder, path));
  if (texts.length > 0) return texts;
  throw new UserError(
    "noInput",
    `Cannot read ${folder}: need .txt, .jsonl or .ndjson files, packed as .gz or not: the folder ` +
      "has none",
  );
}

/** Each file by one of its paths, its own where that is among them, in order of name. */
async function eachOnce(paths: readonly string[], omitted: Omitted): Promise<string[]> {
  const byFile = new Map<string, { path: string; isOwn: boolean }>();
  for (const path of paths.toSorted()) {
    const { key, isOwn } = await identityOf(path);
    const before = byFile.get(key);
    const isBetter = before === undefined || (isOwn && !before.isOwn);
    if (isBetter) byFile.set(key, { path, isOwn });
    if (before !== undefined) omitted.again.push(isBetter ? before.path : path);
  }
  return Array.from(byFile.values(), ({ path }) => path).sort();
}

/** What two paths of one file have in common, and whether a path leads there without a link. */
async function identityOf(path: string): Promise<{ key: string; isOwn: boolean }> {
  try {
    const [real, { dev, ino, nlink }] = [await Deno.realPath(path), await Deno.stat(path)];
    // Hard links have one number; file systems that number files badly have no hard links.
    const key = ino !== null && nlink !== null && nlink > 1 ? `${dev}:${ino}` : real;
    return { key, isOwn: real === resolve(path) };
  } catch {
    return { key: path, isOwn: true }; // Whoever reads it says what is wrong.
  }
}

/** Whatever was left out, in sentences; a path that was met twice counts once. */
function notesOf(omitted: Omitted): string[] {
  const [again, broken, special, others] = (["again", "broken", "special", "others"] as const)
    .map((key) => Array.from(new Set(omitted[key]))) as [string[], string[], string[], string[]];
  const suffixes = new Set(others.map((path) => extname(path) || "no suffix"));
  return [
    ...again.length === 0
      ? []
      : [`Each file counts once; these lead to what is read already: ${listOf(again)}`],
    ...broken.length === 0 ? [] : [`Not read, links that lead nowhere: ${listOf(broken)}`],
    ...special.length === 0
      ? []
      : [`Not read unless named, pipes, sockets and devices: ${listOf(special)}`],
    ...others.length === 0 ? [] : [
      `Not read unless named, or matched by a pattern, ${others.length} files that are not .txt, ` +
      `.jsonl or .ndjson: ${listOf(Array.from(suffixes))}`,
    ],
  ];
}

/** The first names of a list, and how many more there are. */
function listOf(names: readonly string[]): string {
  const more = names.length > SHOWN ? ` and ${names.length - SHOWN} more` : "";
  return names.slice(0, SHOWN).join(", ") + more;
}
