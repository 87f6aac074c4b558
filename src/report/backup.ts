/**
 * Keeps records of steps that are trained again: files are moved to a numbered name, such as
 * `metrics.jsonl.1`, and never overwritten. The caller must hold the run's lock.
 */
import { basename, join } from "node:path";
import { hasCode } from "../base/file_fault.ts";

/** The first of `path`, `path.1`, `path.2`... that does not exist. */
export function freeName(path: string): string {
  let name = path;
  for (let n = 1; isThere(name); n++) name = `${path}.${n}`;
  return name;
}

/** Renames a file, folder or link; its new path, or undefined if there is none. */
export function setAside(path: string): string | undefined {
  if (!isThere(path)) return undefined;
  const to = freeName(path);
  Deno.renameSync(path, to);
  return to;
}

/** Copies a file; the path of the copy, or undefined if there is no file. */
export function copyAside(path: string): string | undefined {
  if (!isThere(path)) return undefined;
  const to = freeName(path);
  Deno.copyFileSync(path, to);
  return to;
}

/** Renames several entries of a folder with one number; the new names of those that exist. */
export function setAsideTogether(folder: string, names: readonly string[]): string[] {
  const there = names.filter((name) => isThere(join(folder, name)));
  const free = (n: number) => there.every((name) => !isThere(join(folder, `${name}.${n}`)));
  let n = 1;
  while (!free(n)) n++;
  return there.map((name) => {
    const to = join(folder, `${name}.${n}`);
    Deno.renameSync(join(folder, name), to);
    return basename(to);
  });
}

function isThere(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch (error) {
    if (hasCode(error, "ENOENT")) return false;
    throw error;
  }
}
