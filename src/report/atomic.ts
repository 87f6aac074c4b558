/** Replaces a file at once or not at all. Knows nothing of what is in it. */
import { basename, dirname, join } from "node:path";
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
  using list = Deno.openSync(folder, { read: true });
  list.syncSync();
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
