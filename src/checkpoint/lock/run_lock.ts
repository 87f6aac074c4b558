/**
 * A lock on an output folder. It is a lock on an inode, but files are written by path: when the
 * folder is moved or its lock file replaced, another process may own the path. So the inodes at the
 * path are compared with the locked ones before each effect.
 */
import { join, resolve } from "node:path";
import { UserError } from "../../base/user_error.ts";
import { holdInner, innerFault, type InnerFolder, isSameInode, statIfAny } from "./inner_folder.ts";
import { LOCK_FILE } from "./lock_file.ts";

/** The lock of an output folder, held until disposed. */
export class RunLock implements Disposable {
  readonly #out: string;
  readonly #file: Deno.FsFile;
  /** Held open so that the folder's inode is not reused. */
  readonly #folder: Deno.FsFile;
  /** Folders created for this lock, innermost first. */
  readonly #made: readonly string[];
  /** Names that were in the folder before; undefined if the lock file was one of them. */
  readonly #before: ReadonlySet<string> | undefined;
  readonly #lost = new AbortController();
  #inner: InnerFolder | undefined;

  constructor(
    out: string,
    { file, folder, made, before }: {
      file: Deno.FsFile;
      folder: Deno.FsFile;
      made: readonly string[];
      before: ReadonlySet<string> | undefined;
    },
  ) {
    this.#out = out;
    this.#file = file;
    this.#folder = folder;
    this.#made = made;
    this.#before = before;
  }

  /** Aborted, with the error as its reason, once a check has found the lock lost. */
  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  /**
   * Holds the subfolder `name` too, so that the run never renames or removes files of a folder or
   * link that another process puts in its place. A missing subfolder is held once `createFolder`
   * makes it.
   * @throws {UserError} `locked` if it is a link, unless links are followed, or not a folder.
   */
  hold(name: string, { followLinks = false }: { readonly followLinks?: boolean } = {}): void {
    const path = join(this.#out, name);
    const stat = () => statIfAny(() => followLinks ? Deno.statSync(path) : Deno.lstatSync(path));
    this.#inner?.held?.close();
    this.#inner = { name, path, stat, held: undefined, isBeingCreated: false };
    holdInner(this.#inner);
    this.check();
  }

  /** Creates the folder at `path` with `make`, and holds it if it is the held subfolder. */
  async createFolder(path: string, make: () => Promise<void>): Promise<void> {
    const inner = this.#inner;
    if (inner === undefined || resolve(path) !== resolve(inner.path)) return await make();
    inner.isBeingCreated = true;
    try {
      await make();
      holdInner(inner);
    } finally {
      inner.isBeingCreated = false;
    }
  }

  /**
   * Call it right before each effect on the folder. A lost lock stays lost even if the folder comes
   * back: another process may have written there meanwhile. A race of microseconds remains between
   * the check and the effect, because Deno has no `renameat` or `unlinkat`; the same holds for the
   * subfolder. On NFS it lasts as long as the client caches attributes.
   * @throws {UserError} `locked` once the folder or its lock file was replaced or removed.
   * @throws the system's error if that cannot be determined.
   */
  check(): void {
    this.lost.throwIfAborted();
    const state = this.#fault();
    if (state === undefined) return;
    const lost = new UserError(
      "locked",
      `Cannot write to ${this.#out}: need the folder and the lock that this process holds: ${state}`,
    );
    this.#lost.abort(lost);
    throw lost;
  }

  /** How the path differs from what was locked, or undefined. */
  #fault(): string | undefined {
    const folder = statIfAny(() => Deno.statSync(this.#out));
    if (folder === undefined) return "it was moved or removed";
    if (!isSameInode(folder, this.#folder.statSync())) return "another folder lies there now";
    const file = statIfAny(() => Deno.lstatSync(join(this.#out, LOCK_FILE)));
    if (file === undefined) return `its ${LOCK_FILE} was removed`;
    if (!isSameInode(file, this.#file.statSync())) return `its ${LOCK_FILE} was replaced`;
    return this.#inner === undefined ? undefined : innerFault(this.#inner);
  }

  /**
   * Removes the lock file, and the folders created for this lock, unless they contain anything
   * else. A process that waits for the file finds it removed and retries with a new one.
   */
  removeUnused(): void {
    try {
      const before = this.#before;
      if (before === undefined) return;
      this.check();
      const names = Array.from(Deno.readDirSync(this.#out), (entry) => entry.name);
      if (names.some((name) => name !== LOCK_FILE && !before.has(name))) return;
      Deno.removeSync(join(this.#out, LOCK_FILE));
      for (const path of this.#made) Deno.removeSync(path);
    } catch {
      // Another process uses or removed it: report only the error that ended the run.
    }
  }

  /** Releases the lock. The file stays: otherwise two processes could lock two different files. */
  [Symbol.dispose](): void {
    this.#file.close();
    this.#folder.close();
    this.#inner?.held?.close();
    this.#inner = undefined;
  }
}
