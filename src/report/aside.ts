/**
 * Keeps what a run recorded when the same steps are done again: files are set aside under a numbered
 * name, `metrics.jsonl.1`, and never written over. Needs the lock of the run.
 */
import { basename, join } from "node:path";
import { hasCode } from "../base/file_fault.ts";

/** `path`, or the first of `path.1`, `path.2`... that is free. */
export function freeName(path: string): string {
  let name = path;
  for (let n = 1; isThere(name); n++) name = `${path}.${n}`;
  return name;
}

/** Renames a file or a folder, or the link to it; gives its new path, or undefined where there is none. */
export function setAside(path: string): string | undefined {
  if (!isThere(path)) return undefined;
  const to = freeName(path);
  Deno.renameSync(path, to);
  return to;
}

/** Copies a file, and leaves it where it is; gives the copy, or undefined where there is none. */
export function copyAside(path: string): string | undefined {
  if (!isThere(path)) return undefined;
  const to = freeName(path);
  Deno.copyFileSync(path, to);
  return to;
}

/** Sets aside several entries of a folder under one number; gives the new names of those there were. */
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
