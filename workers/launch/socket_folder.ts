/**
 * The folder of a run's sockets. Two limits apply to its path: a socket's path has at most 107 bytes on
 * Linux, and Deno splits lists of permitted paths at commas, which cannot be escaped.
 */
import { join, resolve } from "node:path";
import { fileFault } from "../../src/base/file_fault.ts";
import { sha256 } from "../../src/base/hash.ts";
import { UserError } from "../../src/base/user_error.ts";
import { MAX_SOCKET_PATH } from "../../src/transport/unix.ts";

/** Prefix of its name, by which a later run knows it. */
export const PREFIX = "shoal-run-";
/** Longest name of a socket in it. */
const LONGEST = "control.sock";
/** Temporary folders to try if the environment's own does not serve. */
export const OTHERS: readonly string[] = ["/tmp", "/var/tmp"];

/** Whether sockets in `path` can be bound, and named in permissions. */
export function serves(path: string): boolean {
  const bytes = new TextEncoder().encode(join(path, LONGEST)).length;
  return bytes <= MAX_SOCKET_PATH && !path.includes(",");
}

/**
 * Makes a folder for sockets in TMPDIR, or in /tmp or /var/tmp where TMPDIR is missing, not writable,
 * too deep or has a comma. @throws {UserError} `config` where none serves.
 */
export function makeSocketFolder(): string {
  const faults: string[] = [];
  for (const dir of [undefined, ...OTHERS]) {
    try {
      const path = resolve(
        Deno.makeTempDirSync({ prefix: PREFIX, ...dir !== undefined && { dir } }),
      );
      if (serves(path)) return path;
      Deno.removeSync(path);
      faults.push(`${path} is too long or has a comma`);
    } catch (error) {
      faults.push(error instanceof Error ? error.message : String(error));
    }
  }
  throw new UserError(
    "config",
    `Cannot make a folder for sockets: need a TMPDIR that can be written to: ${faults.join("; ")}`,
  );
}

/**
 * A socket folder that this process holds until it ends or disposes it. A lock on the folder itself
 * shows other runs that it is in use; systemd-tmpfiles does not remove locked folders.
 */
export class SocketFolder implements Disposable {
  readonly path: string;
  readonly #uid: number | null;
  #held: Deno.FsFile | undefined;

  constructor(path: string) {
    this.path = path;
    this.#held = holdFolder(path);
    this.#uid = Deno.lstatSync(path).uid;
  }

  /** Whether its path still leads to the folder that is held. */
  get isHeld(): boolean {
    try {
      const [held, at] = [this.#held?.statSync(), Deno.lstatSync(this.path)];
      return held?.ino === at.ino && held?.dev === at.dev;
    } catch {
      return false;
    }
  }

  /** Recreates it at the same path if it was removed. @throws {UserError} where that cannot be done. */
  keep(): void {
    if (this.isHeld) return;
    const doing = { doing: "recreate the folder of sockets", path: this.path };
    try {
      Deno.mkdirSync(this.path, { recursive: true, mode: 0o700 });
      const { isDirectory, uid, mode } = Deno.lstatSync(this.path);
      if (!isDirectory || uid !== this.#uid || ((mode ?? 0) & 0o077) !== 0) {
        throw new UserError(
          "config",
          `Cannot recreate the folder of sockets ${this.path}: need a free path: something else is there`,
        );
      }
      this.#held?.close();
      this.#held = holdFolder(this.path);
    } catch (error) {
      throw fileFault(error, doing);
    }
  }

  [Symbol.dispose](): void {
    const isOwn = this.isHeld; // else another folder may be at the path
    this.#held?.close();
    this.#held = undefined;
    try {
      if (isOwn) Deno.removeSync(this.path, { recursive: true });
    } catch {
      // Workers that end, or a cleaner of temporary folders, may have removed parts of it.
    }
  }
}

/** Attempts to make a folder that can be held. */
const TRIES = 8;

/** Makes and holds a folder for sockets. @throws {UserError} `config` where that cannot be done. */
export function openSocketFolder(): SocketFolder {
  for (let tries = 0; tries < TRIES; tries++) {
    const folder = new SocketFolder(makeSocketFolder());
    // Another run may have removed the empty folder before it was locked.
    if (folder.isHeld) return folder;
    removeEmpty(folder.path);
  }
  throw new UserError(
    "config",
    "Cannot make a folder for sockets: need one that can be opened and locked (ulimit -n): none " +
      `of ${TRIES} could be`,
  );
}

function removeEmpty(path: string): void {
  try {
    Deno.removeSync(path);
  } catch {
    // It is already gone.
  }
}

/**
 * Locks a folder until this process ends, however it ends. Undefined where another process holds it
 * or it is gone; on a file system without locks it counts as held.
 */
export function holdFolder(path: string): Deno.FsFile | undefined {
  let file: Deno.FsFile;
  try {
    file = Deno.openSync(path, { read: true });
  } catch {
    return undefined;
  }
  try {
    if (file.tryLockSync(true)) return file;
    file.close();
    return undefined;
  } catch {
    return file;
  }
}

/** The path by which workers reach `path`: a link in the socket folder if it has a comma. */
export function reachable(path: string, sockets: string): string {
  if (!path.includes(",")) return path;
  return join(sockets, `link-${sha256(new TextEncoder().encode(path)).slice(0, 16)}`);
}

/** Makes the links by which workers reach `paths`; returns the paths that they use. */
export function makeReachable(paths: readonly string[], sockets: string): string[] {
  return paths.map((path) => {
    const link = reachable(path, sockets);
    if (link !== path && !isThere(link)) Deno.symlinkSync(path, link);
    return link;
  });
}

function isThere(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch {
    return false;
  }
}
