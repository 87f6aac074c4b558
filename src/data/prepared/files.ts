/** Bytes of files in a prepared folder, by position. The one place here that touches the disk. */
import { type FileAction, fileFault, hasCode, isMissing, refusing } from "../../base/file_fault.ts";
import { kindOf } from "../../base/file_kind.ts";
import { UserError } from "../../base/user_error.ts";

/** A file that is read by position; it stays open until disposed. */
export class OpenFile implements Disposable {
  readonly bytes: number;
  readonly #file: Deno.FsFile;

  /** @throws {UserError} `data` when there is no such file, `noInput` when it may not be read. */
  constructor(path: string) {
    requireFile(path);
    this.#file = refusing(ofFolder(path), () => Deno.openSync(path, { read: true }));
    // Asked of the open file: a worker need not have leave to look at its surroundings.
    this.bytes = this.#file.seekSync(0, Deno.SeekMode.End);
  }

  /** Fills `into` with the bytes from `offset`; gives how many there were. */
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

/** Whether there is a folder at `path`. */
export function isDirectory(path: string): boolean {
  try {
    return Deno.statSync(path).isDirectory;
  } catch {
    return false;
  }
}

/** The text of a file in a prepared folder; undefined where there is none. */
export function textIfAny(path: string): string | undefined {
  try {
    requireFile(path);
    return Deno.readTextFileSync(path);
  } catch (error) {
    if (isMissing(error) || hasCode(error, "EISDIR")) return undefined;
    throw fileFault(error, ofFolder(path));
  }
}

/** @throws {UserError} `data` for a named pipe, which would be waited for, and the like. */
function requireFile(path: string): void {
  const found = lookAt(path);
  if (found === undefined || found.isFile || found.isDirectory) return;
  throw new UserError(
    "data",
    `Cannot read ${path}: need a file of the prepared folder: it is ${kindOf(found)}`,
  );
}

/** Undefined if it cannot be looked at: opening it says why, and a worker may have no permission to. */
function lookAt(path: string): Deno.FileInfo | undefined {
  try {
    return Deno.statSync(path);
  } catch {
    return undefined;
  }
}

function ofFolder(path: string): FileAction {
  return { doing: "read", path, need: "a file of the prepared folder", exit: "data" };
}
