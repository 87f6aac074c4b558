/** A disk with injected errors, as Deno reports those of the system. */
import { DISK, type Disk, type NewFile } from "../../../src/checkpoint/disk.ts";

/** The calls of a disk. */
export const CALLS = [
  "makeFolder",
  "create",
  "write",
  "sync",
  "syncFolder",
  "rename",
  "remove",
] as const;
/** A call of a disk. */
export type Call = typeof CALLS[number];

/**
 * System errors, and Deno's codes for them; some have only a message. The last
 * one has neither.
 */
export const ERRORS: Readonly<Record<string, () => Error>> = {
  ENOSPC: () => coded("ENOSPC", "No space left on device (os error 28)"),
  EDQUOT: () => new Error("Disk quota exceeded (os error 122)"),
  EFBIG: () => new Error("File too large (os error 27)"),
  ESTALE: () => new Error("Stale file handle (os error 116)"),
  EIO: () => coded("EIO", "Input/output error (os error 5)"),
  EROFS: () => coded("EROFS", "Read-only file system (os error 30)"),
  EMFILE: () => coded("EMFILE", "Too many open files (os error 24)"),
  ENAMETOOLONG: () => coded("ENAMETOOLONG", "File name too long (os error 36)"),
  EACCES: () => new Deno.errors.PermissionDenied("Permission denied (os error 13)"),
  ENOENT: () => new Deno.errors.NotFound("No such file or directory (os error 2)"),
  ENOTCONN: () =>
    new Deno.errors.NotConnected("Transport endpoint is not connected (os error 107)"),
  unnamed: () => new Error("Some disks say this (os error 5005)"),
};

function coded(code: string, message: string): Error {
  return Object.assign(new Error(message), { code });
}

/** What fails. */
export interface Fault {
  readonly call: Call;
  readonly error: () => Error;
  /** Affected paths. Default: all. */
  readonly where?: RegExp;
  /** Numbers of the calls that fail. Default: all. */
  readonly times?: number;
}

/**
 * Fails calls of a kind. Syncs are skipped: written data are visible anyway, and tests are faster.
 */
export class BadDisk implements Disk {
  readonly #fault: Fault | undefined;
  /** Calls that failed. */
  failed = 0;

  constructor(fault?: Fault) {
    this.#fault = fault;
  }

  makeFolder(path: string): Promise<void> {
    return this.#try("makeFolder", path, () => DISK.makeFolder(path));
  }

  async create(path: string): Promise<NewFile> {
    const file = await this.#try("create", path, () => DISK.create(path));
    return {
      write: (bytes) => this.#try("write", path, () => file.write(bytes)),
      sync: () => this.#try("sync", path, () => Promise.resolve()),
      [Symbol.dispose]: () => file[Symbol.dispose](),
    };
  }

  syncFolder(path: string): Promise<void> {
    return this.#try("syncFolder", path, () => Promise.resolve());
  }

  rename(from: string, to: string): Promise<void> {
    return this.#try("rename", from, () => DISK.rename(from, to));
  }

  remove(path: string): Promise<void> {
    return this.#try("remove", path, () => DISK.remove(path));
  }

  async #try<T>(call: Call, path: string, work: () => Promise<T>): Promise<T> {
    const { call: bad, error, where, times = Infinity } = this.#fault ?? {};
    if (call !== bad || this.failed >= times || where?.test(path) === false) return await work();
    this.failed++;
    throw error?.();
  }
}
