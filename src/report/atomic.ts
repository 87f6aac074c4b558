/** Replaces a file at once or not at all. Knows nothing of what is in it. */
import { basename, dirname, join, resolve } from "node:path";
import { hasCode, named, naming } from "../base/file_fault.ts";
import { kindOf } from "../base/file_kind.ts";
import { UserError } from "../base/user_error.ts";
import { writeAllSync } from "../base/write_all.ts";

/**
 * Writes a file beside `path`, syncs it and renames it. A link at `path` is replaced; what it leads to
 * stays, as does a file that has another name as well. Throws what the system throws.
 */
export function writeTextAtomic(path: string, text: string): void {
  const folder = dirname(path);
  const temp = tempOf(path);
  try {
    using file = createAnew(temp);
    writeAllSync(file, new TextEncoder().encode(text));
    file.syncSync();
    Deno.renameSync(temp, path);
  } catch (error) {
    removeQuietly(temp);
    throw named(error, path);
  }
  syncFolder(folder);
}

/** Brings the list of names of a folder to the disk: a synced file without a name is lost with the power. */
export function syncFolder(path: string): void {
  using list = Deno.openSync(path, { read: true });
  naming(path, () => list.syncSync());
}

/** The same for the folder that a file lies in. */
export function syncName(path: string): void {
  syncFolder(dirname(path));
}

/** Makes a folder and those above it where there are none, with their names on the disk. */
export function makeFolder(path: string): void {
  const whole = resolve(path);
  const missing: string[] = [];
  for (let at = whole; !isThere(at); at = dirname(at)) missing.push(at);
  Deno.mkdirSync(whole, { recursive: true });
  for (const made of missing) syncFolder(dirname(made));
}

function isThere(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch (error) {
    if (hasCode(error, "ENOENT")) return false;
    throw error;
  }
}

/** Writes a value as JSON with indents of two, in the same way. */
export function writeJsonAtomic(path: string, value: unknown): void {
  writeTextAtomic(path, JSON.stringify(value, null, 2) + "\n");
}

/**
 * Gives a file that has other names (hard links) a copy of its own, so that appending to it changes
 * nothing elsewhere. Does nothing where there is no file.
 */
export function unshare(path: string): void {
  const found = lookAt(path);
  if (found === undefined || !found.isFile || (found.nlink ?? 1) < 2) return;
  const temp = tempOf(path);
  removeIfAny(temp);
  Deno.copyFileSync(path, temp);
  Deno.renameSync(temp, path);
}

/**
 * Opens a file to write to that nothing else refers to. What lies there, as a killed process leaves it,
 * is removed: a link, not what it leads to. The lock of the folder keeps others out.
 */
export function createAnew(path: string): Deno.FsFile {
  removeIfAny(path);
  return Deno.openSync(path, { write: true, createNew: true });
}

/** Always the same name: nothing piles up where processes are killed. */
function tempOf(path: string): string {
  return join(dirname(path), `.${basename(path)}.tmp`);
}

function removeQuietly(path: string): void {
  try {
    Deno.removeSync(path);
  } catch {
    // It was never made; the first error is the one that counts.
  }
}

function removeIfAny(path: string): void {
  if (lookAt(path) !== undefined) Deno.removeSync(path);
}

/**
 * The text of a file; empty where there is none. @throws {UserError} `data` for what is no file: a
 * named pipe would be waited for.
 */
export function readIfAny(path: string): string {
  try {
    const found = Deno.statSync(path);
    if (found.isFile) return Deno.readTextFileSync(path);
    throw new UserError("data", `Cannot read ${path}: need a file: it is ${kindOf(found)}`);
  } catch (error) {
    if (hasCode(error, "ENOENT")) return "";
    throw error;
  }
}

/** What lies at a path itself; undefined where nothing does. Throws what else the system says. */
export function lookAt(path: string): Deno.FileInfo | undefined {
  try {
    return Deno.lstatSync(path);
  } catch (error) {
    if (hasCode(error, "ENOENT")) return undefined;
    throw error;
  }
}
