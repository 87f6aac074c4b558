/**
 * Acquires the lock of an output folder, so that one process at a time writes there. The kernel
 * releases a lock when its process ends, so there are no stale locks.
 */
import { dirname, join, resolve } from "node:path";
import { FileFault, hasCode } from "../../base/file_fault.ts";
import { UserError } from "../../base/user_error.ts";
import { makeFolders } from "../files.ts";
import { folderFault, LOCK_FILE, openLockFile, requireLock } from "./lock_file.ts";
import { RunLock } from "./run_lock.ts";

export { RunLock } from "./run_lock.ts";

/** How a lock is acquired. */
export interface LockOptions {
  /** The owner shown to other processes, as `<pid> <host>`. Default: this process. */
  readonly owner?: string;
  /** Creates the folder and its missing parents. */
  readonly make?: (path: string) => void | Promise<void>;
}

/**
 * Locks the folder `out`, creating it if missing.
 * @throws {UserError} `locked` if another process holds it, `config` if it cannot be locked.
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
      // If another process holds the lock, the folder is in use: do not remove it.
      if (error instanceof FileFault) removeEmpty(made);
      throw error;
    });
    if (lock !== undefined) return lock;
  }
}

/** Undefined if the folder or the file was replaced before it was locked. */
async function tryLock(
  out: string,
  { made, owner }: { made: readonly string[]; owner: string },
): Promise<RunLock | undefined> {
  const path = join(out, LOCK_FILE);
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
    before: names.has(LOCK_FILE) ? undefined : names,
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

/** Names in a folder. An unreadable folder counts as having a lock, so nothing is removed there. */
function namesThere(out: string): ReadonlySet<string> {
  try {
    return new Set(Array.from(Deno.readDirSync(out), (entry) => entry.name));
  } catch {
    return new Set([LOCK_FILE]);
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

/** Removes empty folders, innermost first. */
function removeEmpty(folders: readonly string[]): void {
  try {
    for (const path of folders) Deno.removeSync(path);
  } catch {
    // Another process uses it.
  }
}

/** The holder, from the line `<pid> <host>`; the host is `-` if unknown. */
function holderOf(text: string): string {
  const [, pid, host] = /^(\d+) ([\w.-]+)\n$/.exec(text) ?? [];
  // Until its owner has written the line, the file has the previous owner's or a part of it.
  if (pid === undefined) return "another process";
  return host === "-" ? `process ${pid}` : `process ${pid} on ${host}`;
}

/** The folders that must be created for `out`, innermost first. */
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
    // A file in the way, or no permission: creating the folder will report it.
    return !hasCode(error, "ENOENT");
  }
}
