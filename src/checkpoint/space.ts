/** Checks that a disk has room for a checkpoint. */
import { statfsSync } from "node:fs";
import { FileFault, fileFault, hasCode } from "../base/file_fault.ts";

/** Space that must be free, as a multiple of the bytes to write. */
const MARGIN = 1.2;

/** Codes of a file system, or a sandbox, that does not support statfs. */
const UNSUPPORTED = ["ENOSYS", "ENOTSUP", "EOPNOTSUPP"];

/**
 * Bytes that this user may still write on the disk of `path`. Infinity if the system does not
 * report it: a write to a full disk fails with its own error.
 */
export function freeBytes(path: string, ask: typeof statfs = statfs): number {
  try {
    const { bavail, bsize } = ask(path);
    return bavail * bsize;
  } catch (error) {
    if (UNSUPPORTED.some((code) => hasCode(error, code))) return Infinity;
    throw error;
  }
}

function statfs(path: string): { readonly bavail: number; readonly bsize: number } {
  return statfsSync(path);
}

/** @throws {FileFault} `tooLarge` unless `free` covers `bytes` and a margin. */
export function checkSpace(folder: string, { bytes, free }: { bytes: number; free: number }): void {
  if (free >= bytes * MARGIN) return;
  const need = megabytes(bytes * MARGIN);
  throw new FileFault(
    "tooLarge",
    `Cannot save to ${folder}: ${need} must be free: ${megabytes(free)} are`,
  );
}

/** An error while writing, such as a full disk, as a user error. */
export function spaceFault(error: unknown, folder: string): unknown {
  return fileFault(error, { doing: "save to", path: folder });
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
