/**
 * One process per output folder. The system frees the lock when its process dies, however it dies,
 * so there is no stale lock to judge. The lock is on an inode, but files are written by path: a folder
 * that is moved, or whose lock file is replaced, has another owner at that path. So the lock that is
 * held is compared with the one at the path before each effect.
 */
import { dirname, join, resolve } from "node:path";
import { FileFault, hasCode, isMissing } from "../../base/file_fault.ts";
import { kindOf } from "../../base/file_kind.ts";
import { UserError } from "../../base/user_error.ts";
import { makeFolders } from "../files.ts";
import { folderFault, openLockFile, requireLock } from "./lock_file.ts";

const FILE = ".lock";

/** A folder in the locked one, of a name that stays. */
interface Inner {
  readonly name: string;
  readonly path: string;
  readonly look: () => Deno.FileInfo | undefined;
  /** The folder that was found or made there; undefined before there was one. */
  held: Deno.FsFile | undefined;
  /** Whether this process is creating it: its identity is unknown until that ends. */
  isBeingMade: boolean;
}

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
  #inner: Inner | undefined;

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
    take(this.#inner);
    this.check();
  }

  /** Makes the folder at `path`; if it is the one that is held, it is from now on. */
  async making(path: string, make: () => Promise<void>): Promise<void> {
    const inner = this.#inner;
    if (inner === undefined || resolve(path) !== resolve(inner.path)) return await make();
    inner.isBeingMade = true;
    try {
      await make();
      take(inner);
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
    if (!isSame(folder, this.#folder.statSync())) return "another folder lies there now";
    const file = found(() => Deno.lstatSync(join(this.#out, FILE)));
    if (file === undefined) return `its ${FILE} was removed`;
    if (!isSame(file, this.#file.statSync())) return `its ${FILE} was replaced`;
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
      if (names.some((name) => name !== FILE && !before.has(name))) return;
      Deno.removeSync(join(this.#out, FILE));
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

/** Holds what lies there, if it is a folder: its inode is then not given to another one. */
function take(inner: Inner): void {
  if (inner.look()?.isDirectory !== true) return;
  const before = inner.held;
  inner.held = Deno.openSync(inner.path, { read: true });
  before?.close();
}

/** What is wrong with a folder that is held. A missing folder is no fault: it is recreated. */
function innerFault({ name, look, held, isBeingMade }: Inner): string | undefined {
  const found = isBeingMade ? undefined : look();
  if (found === undefined) return undefined;
  if (held !== undefined && isSame(found, held.statSync())) return undefined;
  return found.isDirectory
    ? `another folder lies there as ${name} now`
    : `its ${name} is ${kindOf(found)} now`;
}

/** Where locks come from. */
export interface LockOptions {
  /** Whose lock it is, as `<pid> <host>`, for who finds the folder in use; this process unless told. */
  readonly owner?: string;
  /** Makes the folder and those above it where there are none. */
  readonly make?: (path: string) => void | Promise<void>;
}

/**
 * Locks the folder `out`, made where there is none. Refuses as `locked` when another has it, and as
 * `config` when it cannot be locked.
 */
export async function lockRun(
  out: string,
  { owner = `${Deno.pid} ${Deno.hostname()}`, make = makeFolders }: LockOptions = {},
): Promise<RunLock> {
  for (;;) {
    const made = missingFolders(out);
    try {
      await make(out);
    } catch (error) {
      throw folderFault(error, out);
    }
    const lock = await tryLock(out, { made, owner }).catch((error) => {
      // A folder that somebody else has locked meanwhile is theirs.
      if (error instanceof FileFault) removeEmpty(made);
      throw error;
    });
    if (lock !== undefined) return lock;
  }
}

/** Undefined where the folder or the file was replaced before it was locked. */
async function tryLock(
  out: string,
  { made, owner }: { made: readonly string[]; owner: string },
): Promise<RunLock | undefined> {
  const path = join(out, FILE);
  const folder = await openFolder(out);
  const names = namesThere(out);
  const file = await openLockFile(path, out).catch((error) => {
    folder.close();
    throw error;
  });
  const lock = new RunLock(out, {
    file,
    folder,
    made,
    before: names.has(FILE) ? undefined : names,
  });
  try {
    if (!await file.tryLock(true)) {
      const holder = holderOf(await Deno.readTextFile(path));
      throw new UserError("locked", `Output folder ${out} is in use by ${holder}`);
    }
    if (!isHeld(lock)) {
      lock[Symbol.dispose]();
      return undefined;
    }
    await requireLock(file, { path, out });
    await file.truncate();
    await file.write(new TextEncoder().encode(`${owner}\n`));
    return lock;
  } catch (error) {
    const fault = folderFault(error, out);
    if (fault instanceof FileFault) lock.removeUnused();
    lock[Symbol.dispose]();
    throw fault;
  }
}

/** Names in a folder; of one that may not be listed, that of a lock: nothing is removed there. */
function namesThere(out: string): ReadonlySet<string> {
  try {
    return new Set(Array.from(Deno.readDirSync(out), (entry) => entry.name));
  } catch {
    return new Set([FILE]);
  }
}

function isHeld(lock: RunLock): boolean {
  try {
    lock.check();
    return true;
  } catch (error) {
    if (lock.lost.aborted) return false;
    throw error;
  }
}

async function openFolder(path: string): Promise<Deno.FsFile> {
  try {
    return await Deno.open(path, { read: true });
  } catch (error) {
    throw folderFault(error, path);
  }
}

/** Removes folders, innermost first, as far as they are empty. */
function removeEmpty(folders: readonly string[]): void {
  try {
    for (const path of folders) Deno.removeSync(path);
  } catch {
    // Somebody else uses it.
  }
}

/** Who has the lock, from the line `<pid> <host>`; the host is `-` where it is not known. */
function holderOf(text: string): string {
  const [, pid, host] = /^(\d+) ([\w.-]+)\n$/.exec(text) ?? [];
  // Between locking and writing the line of the owner before, or a part of this one, is there.
  if (pid === undefined) return "another process";
  return host === "-" ? `process ${pid}` : `process ${pid} on ${host}`;
}

/** The folders that making `out` would make, innermost first; none where it exists. */
function missingFolders(out: string): string[] {
  const missing: string[] = [];
  for (let path = resolve(out); !exists(path); path = dirname(path)) missing.push(path);
  return missing;
}

function exists(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch (error) {
    // A file in the way, or no permission to look: making the folder will say so.
    return !hasCode(error, "ENOENT");
  }
}

/** What the system says of a path; undefined where nothing lies. */
function found(look: () => Deno.FileInfo): Deno.FileInfo | undefined {
  try {
    return look();
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

function isSame(a: Deno.FileInfo, b: Deno.FileInfo): boolean {
  return a.dev === b.dev && a.ino === b.ino;
}
