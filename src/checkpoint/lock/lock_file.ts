/**
 * Opens the file that a lock is on, in a folder that somebody else may have filled: nothing is
 * written, and nothing waits, before it is known to be a lock.
 */
import { fileFault, hasCode } from "../../base/file_fault.ts";
import { kindOf } from "../../base/file_kind.ts";
import { UserError } from "../../base/user_error.ts";

/** Name of the lock file in an output folder. */
export const LOCK_FILE = ".lock";

/**
 * A line of an owner, nothing, or the zeros that a power cut may leave of it. It is short enough to be
 * written at once. A number alone is none: other programs keep their process in a file like that.
 */
const OWN = /^(?:\d+ [\w.-]+\n|\0*)$/;
/** Characters of the longest line of an owner. */
const LONGEST = 512;

/**
 * The lock file at `path` in the folder `out`, open and unchanged; made where there is none.
 * @throws {UserError} `config` for a link, a pipe, or a file that is no lock; `locked` for a file of
 * another user.
 */
export async function openLockFile(path: string, out: string): Promise<Deno.FsFile> {
  for (;;) {
    const found = await lookAt(path, out);
    if (found !== undefined && !found.isFile) {
      throw notUsable(out, `a plain file as its lock: ${path} is ${kindOf(found)}; remove it`);
    }
    const file = await opened(path, { out, found });
    if (file === undefined) continue;
    const { dev, ino, isFile } = await file.stat();
    // Else it was replaced after it was looked at.
    const isSame = found === undefined || (dev === found.dev && ino === found.ino);
    if (isFile && isSame) return file;
    file.close();
  }
}

/** @throws {UserError} `config` for a file that holds something else than a lock, or is two files. */
export async function requireLock(
  file: Deno.FsFile,
  { path, out }: { path: string; out: string },
): Promise<void> {
  const { nlink, size } = await file.stat();
  // To write to it would write to the file of the other name as well.
  if (nlink !== null && nlink > 1) {
    throw notUsable(out, `a lock of its own: ${path} has a second name (hard link); remove it`);
  }
  if (size <= LONGEST && OWN.test(await Deno.readTextFile(path))) return;
  throw notUsable(out, `a lock there: ${path} holds something else; remove it`);
}

/** What lies at the path itself; undefined where nothing does. */
async function lookAt(path: string, out: string): Promise<Deno.FileInfo | undefined> {
  try {
    return await Deno.lstat(path);
  } catch (error) {
    if (hasCode(error, "ENOENT")) return undefined;
    throw folderFault(error, out);
  }
}

/** Undefined where another process made or removed the file meanwhile. */
async function opened(
  path: string,
  { out, found }: { out: string; found: Deno.FileInfo | undefined },
): Promise<Deno.FsFile | undefined> {
  try {
    // O_EXCL does not follow a link in the last component of the path.
    return await Deno.open(path, {
      read: true,
      write: true,
      ...found === undefined && { createNew: true, mode: 0o640 },
    });
  } catch (error) {
    if (hasCode(error, found === undefined ? "EEXIST" : "ENOENT")) return undefined;
    const isOthers = found !== undefined &&
      (hasCode(error, "EACCES") || hasCode(error, "EPERM"));
    if (!isOthers) throw folderFault(error, out);
    const owner = found.uid === null ? "another user" : `user ${found.uid}`;
    throw notUsable(out, `a lock that this user may write: ${path} belongs to ${owner}`, "locked");
  }
}

function notUsable(out: string, need: string, exit: "config" | "locked" = "config"): UserError {
  return new UserError(exit, `Cannot use output folder ${out}: need ${need}`);
}

/** An error of the folder that a lock is in. */
export function folderFault(error: unknown, out: string): unknown {
  return fileFault(error, {
    doing: "use output folder",
    path: out,
    need: "a folder",
    exit: "config",
  });
}
