/** Whether a disk has room for a checkpoint, as one line for the user when it has not. */
import { statfsSync } from "node:fs";
import { FileFault, fileFault, hasCode } from "../base/file_fault.ts";

/** Room that must be free, as a multiple of what will be written. */
const MARGIN = 1.2;

/** Codes of a file system, or a sandbox, that does not tell how much is free. */
const UNTOLD = ["ENOSYS", "ENOTSUP", "EOPNOTSUPP"];

/**
 * Bytes that this user may still write on the disk of `path`. Infinity where that cannot be asked: a
 * write that finds no room says so itself.
 */
export function freeBytes(path: string, ask: typeof statfs = statfs): number {
  try {
    const { bavail, bsize } = ask(path);
    return bavail * bsize;
  } catch (error) {
    if (UNTOLD.some((code) => hasCode(error, code))) return Infinity;
    throw error;
  }
}

function statfs(path: string): { readonly bavail: number; readonly bsize: number } {
  return statfsSync(path);
}

/** Refuses, as `tooLarge`, to write `bytes` to a folder with only `free` bytes left. */
export function checkSpace(folder: string, { bytes, free }: { bytes: number; free: number }): void {
  if (free >= bytes * MARGIN) return;
  const need = megabytes(bytes * MARGIN);
  throw new FileFault(
    "tooLarge",
    `Cannot save to ${folder}: ${need} must be free: ${megabytes(free)} are`,
  );
}

/** An error of writing to a disk, which may have filled up meanwhile, as a refusal. */
export function spaceFault(error: unknown, folder: string): unknown {
  return fileFault(error, { doing: "save to", path: folder });
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
