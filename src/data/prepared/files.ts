/** Positioned reads of files in a prepared folder. */
import {
  type FileAction,
  fileFault,
  hasCode,
  isMissing,
  withFileFaults,
} from "../../base/file_fault.ts";
import { kindOf } from "../../base/file_kind.ts";
import { statIfExists } from "../../base/files/path_lookup.ts";
import { UserError } from "../../base/user_error.ts";

/** A file for positioned reads, open until disposed. */
export class OpenFile implements Disposable {
  readonly bytes: number;
  readonly #file: Deno.FsFile;

  /**
   * @throws {UserError} `data` when the file is missing, `noInput` without permission to read it.
   */
  constructor(path: string) {
    requireFile(path);
    this.#file = withFileFaults(ofFolder(path), () => Deno.openSync(path, { read: true }));
    // Seek instead of stat: a worker may lack permission to stat the path.
    this.bytes = this.#file.seekSync(0, Deno.SeekMode.End);
  }

  /** Fills `into` with the bytes from `offset`; returns the number read. */
  read(offset: number, into: Uint8Array): number {
    this.#file.seekSync(offset, Deno.SeekMode.Start);
    let n = 0;
    while (n < into.length) {
      const got = this.#file.readSync(n === 0 ? into : into.subarray(n));
      if (got === null) break;
      n += got;
    }
    return n;
  }

  [Symbol.dispose](): void {
    this.#file.close();
  }
}

/** Whether `path` is a folder. */
export function isDirectory(path: string): boolean {
  return lookAt(path)?.isDirectory ?? false;
}

/** The text of a file in a prepared folder; undefined if it is missing. */
export function textIfAny(path: string): string | undefined {
  try {
    requireFile(path);
    return Deno.readTextFileSync(path);
  } catch (error) {
    if (isMissing(error) || hasCode(error, "EISDIR")) return undefined;
    throw fileFault(error, ofFolder(path));
  }
}

/** @throws {UserError} `data` for a named pipe, which would block, and other special files. */
function requireFile(path: string): void {
  const found = lookAt(path);
  if (found === undefined || found.isFile || found.isDirectory) return;
  throw new UserError(
    "data",
    `Cannot read ${path}: need a file of the prepared folder: it is ${kindOf(found)}`,
  );
}

/** Undefined if stat fails: opening reports why, and a worker may lack permission to stat. */
function lookAt(path: string): Deno.FileInfo | undefined {
  return statIfExists(path, { followLinks: true, isAbsent: () => true });
}

function ofFolder(path: string): FileAction {
  return { doing: "read", path, need: "a file of the prepared folder", exit: "data" };
}
