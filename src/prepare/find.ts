/**
 * Expands names, folders and patterns to input files, sorted by name and without duplicates, so
 * that the order on the command line does not matter.
 */
import { extname, join, normalize, resolve } from "node:path";
import { UserError } from "../base/user_error.ts";
import { isPipe } from "../data/pipe.ts";
import { expandGlobs, hasWildcards } from "./glob.ts";
import type { Input } from "./inputs.ts";
import { inputOf } from "./inspect.ts";
import { filesBelow, type LeftOut, leftOutNothing } from "./walk.ts";

/** The files found. */
export interface FoundFile {
  readonly files: readonly Input[];
  /** Names of pipes, which can be read only once. */
  readonly pipes: readonly string[];
  /** Notices of skipped names. */
  readonly notes: readonly string[];
}

/** Files taken from a folder; an explicitly named file is always taken. */
const TEXTS = /\.(txt|jsonl|ndjson|jsonlines)(\.gz)?$/i;

/** Maximum names in a notice, and notices of one kind. */
const SHOWN = 3;

/** Skipped paths. */
interface Omitted extends LeftOut {
  /** Files in folders without a text suffix. */
  readonly others: string[];
}

/** Finds the input files. @throws {UserError} `noInput` or `data` */
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

/** One path per file, preferring the path without links, sorted. */
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

/** A key that is equal for all paths of a file, and whether the path contains no link. */
async function identityOf(path: string): Promise<{ key: string; isOwn: boolean }> {
  try {
    const [real, { dev, ino, nlink }] = [await Deno.realPath(path), await Deno.stat(path)];
    // Hard links share an inode. File systems with unreliable inodes have no hard links.
    const key = ino !== null && nlink !== null && nlink > 1 ? `${dev}:${ino}` : real;
    return { key, isOwn: real === resolve(path) };
  } catch {
    return { key: path, isOwn: true }; // Reading it reports the error.
  }
}

/** Notices of skipped paths, without duplicates. */
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

/** The first names of a list, and the number of others. */
function listOf(names: readonly string[]): string {
  const more = names.length > SHOWN ? ` and ${names.length - SHOWN} more` : "";
  return names.slice(0, SHOWN).join(", ") + more;
}
