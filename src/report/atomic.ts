/** Replaces files atomically: write, fsync, rename. */
import { basename, dirname, join, resolve } from "node:path";
import { hasCode, named, naming } from "../base/file_fault.ts";
import { kindOf } from "../base/files/file_kind.ts";
import { UserError } from "../base/user_error.ts";
import { writeAllSync } from "../base/files/write_all.ts";

/**
 * Writes a file next to `path`, syncs it and renames it. A link at `path` is replaced and its
 * target stays; so does a file with another hard link. @throws the system's error.
 */
export function writeTextAtomic(path: string, text: string): void {
  const folder = dirname(path);
  const temp = tempOf(path);
  try {
    using file = recreate(temp);
    writeAllSync(file, new TextEncoder().encode(text));
    file.syncSync();
    Deno.renameSync(temp, path);
  } catch (error) {
    removeQuietly(temp);
    throw named(error, path);
  }
  syncFolder(folder);
}

/** Syncs a folder's entries: without that, a power cut can lose a synced file's name. */
export function syncFolder(path: string): void {
  using list = Deno.openSync(path, { read: true });
  naming(path, () => list.syncSync());
}

/** The same for the folder that a file lies in. */
export function syncName(path: string): void {
  syncFolder(dirname(path));
}

/** Creates a folder and its missing parents, and syncs their names. */
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

/** Writes a value as JSON, indented by two, in the same way. */
export function writeJsonAtomic(path: string, value: unknown): void {
  writeTextAtomic(path, JSON.stringify(value, null, 2) + "\n");
}

/**
 * Replaces a file that has other hard links by a copy, so that appending to it does not change the
 * other names. Does nothing if there is no file.
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
 * Creates a file, after removing what a killed process left at its path: a link, but not its
 * target. The folder's lock excludes other writers.
 */
export function recreate(path: string): Deno.FsFile {
  removeIfAny(path);
  return Deno.openSync(path, { write: true, createNew: true });
}

/** A fixed name, so that killed processes leave at most one temporary file. */
function tempOf(path: string): string {
  return join(dirname(path), `.${basename(path)}.tmp`);
}

function removeQuietly(path: string): void {
  try {
    Deno.removeSync(path);
  } catch {
    // It may not exist; report only the first error.
  }
}

function removeIfAny(path: string): void {
  if (lookAt(path) !== undefined) Deno.removeSync(path);
}

/**
 * The text of a file; empty if there is none. @throws {UserError} `data` if it is not a regular
 * file, since opening a named pipe would block.
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

/** The result of lstat; undefined if there is no such path. @throws any other error. */
export function lookAt(path: string): Deno.FileInfo | undefined {
  try {
    return Deno.lstatSync(path);
  } catch (error) {
    if (hasCode(error, "ENOENT")) return undefined;
    throw error;
  }
}
