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

/** Names in a folder; of one that may not be listed, that of a lock: nothing is removed there. */
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
