/** Replaces a file at once or not at all. Knows nothing of what is in it. */
import { basename, dirname, join, resolve } from "node:path";
import { hasCode } from "../base/file_fault.ts";

/**
 * Writes a file beside `path`, syncs it and renames it. A link stays one: what it leads to is replaced.
 * Throws what the system throws.
 */
export function writeTextAtomic(given: string, text: string): void {
  const path = throughLinks(given);
  const folder = dirname(path);
  // Always the same name: what a killed process left is written over. The run's lock keeps others out.
  const temp = join(folder, `.${basename(path)}.tmp`);
  try {
    using file = Deno.openSync(temp, { write: true, create: true, truncate: true });
    writeAll(file, new TextEncoder().encode(text));
    file.syncSync();
    Deno.renameSync(temp, path);
  } catch (error) {
    removeQuietly(temp);
    throw error;
  }
  syncFolder(folder);
}

/** Brings the list of names of a folder to the disk: a synced file without a name is lost with the power. */
export function syncFolder(path: string): void {
  using list = Deno.openSync(path, { read: true });
  list.syncSync();
}

/** The same for the folder that a file lies in, through links. */
export function syncName(path: string): void {
  syncFolder(dirname(throughLinks(path)));
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

function writeAll(file: Deno.FsFile, bytes: Uint8Array): void {
  for (let i = 0; i < bytes.length;) i += file.writeSync(bytes.subarray(i));
}

function removeQuietly(path: string): void {
  try {
    Deno.removeSync(path);
  } catch {
    // It was never made; the first error is the one that counts.
  }
}

/** Where a file lies, or will lie where there is none yet. */
function throughLinks(path: string): string {
  try {
    return Deno.realPathSync(path);
  } catch (error) {
    if (hasCode(error, "ENOENT")) return path;
    throw error;
  }
}

/** The text of a file; empty where there is none. */
export function readIfAny(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch (error) {
    if (hasCode(error, "ENOENT")) return "";
    throw error;
  }
}
