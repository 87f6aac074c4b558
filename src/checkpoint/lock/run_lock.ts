/**
 * A lock on an output folder. It is a lock on an inode, but files are written by path: when the folder
 * is moved or its lock file replaced, another process may own the path. So the inodes at the path
 * are compared with the locked ones before each effect.
 */
import { join, resolve } from "node:path";
import { UserError } from "../../base/user_error.ts";
import { found, holdInner, innerFault, type InnerFolder, isSameInode } from "./inner_folder.ts";
import { LOCK_FILE } from "./lock_file.ts";

/** Held until disposed. */
export class RunLock implements Disposable {
  readonly #out: string;
  readonly #file: Deno.FsFile;
  /** Keeps the folder's inode from being given to another one. */
  readonly #folder: Deno.FsFile;
  /** Folders that were made for it, innermost first. */
  readonly #made: readonly string[];
  /** Names that lay in the folder before; undefined where the lock file was one of them. */
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

  /** Aborted, with the refusal as its reason, once a check has found the lock lost. */
  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  /**
   * Holds the folder `name` in it from now on as well: files of a folder or a link that somebody puts
   * in its place would be renamed and removed as if they were the run's. Where it is missing, only
   * the one counts that `making` makes.
   * @throws {UserError} `locked` where a link lies there, unless links are followed, or no folder.
   */
  hold(name: string, { followLinks = false }: { readonly followLinks?: boolean } = {}): void {
    const path = join(this.#out, name);
    const look = () => found(() => followLinks ? Deno.statSync(path) : Deno.lstatSync(path));
    this.#inner?.held?.close();
    this.#inner = { name, path, look, held: undefined, isBeingMade: false };
    holdInner(this.#inner);
    this.check();
  }

  /** Makes the folder at `path`; if it is the one that is held, it is from now on. */
  async createFolder(path: string, make: () => Promise<void>): Promise<void> {
    const inner = this.#inner;
    if (inner === undefined || resolve(path) !== resolve(inner.path)) return await make();
    inner.isBeingMade = true;
    try {
      await make();
      holdInner(inner);
    } finally {
      inner.isBeingMade = false;
    }
  }

  /**
   * Call it right before each effect on the folder. A lock that was lost stays so, even if the folder
   * comes back: another process may have written there meanwhile. Between the check and the effect
   * remains a window, of microseconds unless the process is stopped exactly there: Deno has no
   * `renameat` or `unlinkat`, which would name a folder by its descriptor. It is the same for the
   * folder that `hold` names. On NFS it is as long as
   * the client caches attributes.
   * @throws {UserError} `locked` once the folder or its lock file is another one, or gone. Where the
   * system cannot tell, its error.
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

  /** What is wrong with the path; undefined when all is as it was locked. */
  #fault(): string | undefined {
    const folder = found(() => Deno.statSync(this.#out));
    if (folder === undefined) return "it was moved or removed";
    if (!isSameInode(folder, this.#folder.statSync())) return "another folder lies there now";
    const file = found(() => Deno.lstatSync(join(this.#out, LOCK_FILE)));
    if (file === undefined) return `its ${LOCK_FILE} was removed`;
    if (!isSameInode(file, this.#file.statSync())) return `its ${LOCK_FILE} was replaced`;
    return this.#inner === undefined ? undefined : innerFault(this.#inner);
  }

  /**
   * Removes the folders that were made for this lock while they hold nothing else, and the lock file
   * where it was made and nothing was added beside it. Who waits for the file finds it removed, and
   * tries again with another one.
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
      // Somebody else uses or removed it: the fault that ended the run is the one to tell.
    }
  }

  /** Frees the lock. The file stays: removing it would let two processes lock two files. */
  [Symbol.dispose](): void {
    this.#file.close();
    this.#folder.close();
    this.#inner?.held?.close();
    this.#inner = undefined;
  }
}
