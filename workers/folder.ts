/**
 * A run that fails before it starts leaves no folder behind. Knows which folders it made and that
 * they may hold a lock; anything else in them is somebody's, and stays.
 */
import { dirname, join, resolve } from "node:path";
import { hasCode } from "../src/base/file_fault.ts";

const LOCK = ".lock";

/** The folders that making `out` would make, innermost first; none where it exists. */
export function missingFolders(out: string): string[] {
  const missing: string[] = [];
  for (let path = resolve(out); !exists(path); path = dirname(path)) missing.push(path);
  return missing;
}

/** Removes `folders` (as of {@linkcode missingFolders}) while they hold nothing but a lock. */
export function removeUnused(folders: readonly string[]): void {
  try {
    for (const path of folders) {
      const names = Array.from(Deno.readDirSync(path), (entry) => entry.name);
      if (names.some((name) => name !== LOCK)) return;
      if (names.length > 0) Deno.removeSync(join(path, LOCK));
      Deno.removeSync(path);
    }
  } catch {
    // Somebody else uses or removed it: the fault that ended the run is the one to tell.
  }
}

function exists(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch (error) {
    // A file in the way, or no permission to look: making the folder will say so.
    return !(hasCode(error, "ENOENT"));
  }
}
