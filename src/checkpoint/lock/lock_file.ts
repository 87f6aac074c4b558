/**
 * Opens a lock file safely in a folder that another user may have prepared: nothing is written, and
 * no open blocks, until the file is known to be a lock.
 */
import { fileFault, hasCode } from "../../base/file_fault.ts";
import { kindOf } from "../../base/files/file_kind.ts";
import { UserError } from "../../base/user_error.ts";

/** Name of the lock file in an output folder. */
export const LOCK_FILE = ".lock";

/**
 * Contents of a lock file: the owner's line, nothing, or the zeros that a power cut leaves. A
 * number alone is not accepted: other programs store their process id like that.
 */
const OWN = /^(?:\d+ [\w.-]+\n|\0*)$/;
/** Longest owner's line, in characters; short enough for one atomic write. */
const LONGEST = 512;

/**
 * Opens the lock file at `path` in the folder `out` without changing it; creates it if missing.
 * @throws {UserError} `config` for a link or a pipe; `locked` for a file of another user.
 */
export async function openLockFile(path: string, out: string): Promise<Deno.FsFile> {
  for (;;) {
    const found = await lstatIfAny(path, out);
    if (found !== undefined && !found.isFile) {
      throw notUsable(out, `a plain file as its lock: ${path} is ${kindOf(found)}; remove it`);
    }
    const file = await tryOpen(path, { out, found });
    if (file === undefined) continue;
    const { dev, ino, isFile } = await file.stat();
    // Otherwise it was replaced between lstat and open.
    const isSame = found === undefined || (dev === found.dev && ino === found.ino);
    if (isFile && isSame) return file;
    file.close();
  }
}

/** @throws {UserError} `config` for a file with other contents, or with another hard link. */
export async function requireLock(
  file: Deno.FsFile,
  { path, out }: { path: string; out: string },
): Promise<void> {
  const { nlink, size } = await file.stat();
  // Writing to it would change the other file too.
  if (nlink !== null && nlink > 1) {
    throw notUsable(out, `a lock of its own: ${path} has a second name (hard link); remove it`);
  }
  if (size <= LONGEST && OWN.test(await Deno.readTextFile(path))) return;
  throw notUsable(out, `a lock there: ${path} holds something else; remove it`);
}

/** The result of lstat; undefined if there is no such path. */
async function lstatIfAny(path: string, out: string): Promise<Deno.FileInfo | undefined> {
  try {
    return await Deno.lstat(path);
  } catch (error) {
    if (hasCode(error, "ENOENT")) return undefined;
    throw folderFault(error, out);
  }
}

/** Undefined if another process created or removed the file concurrently. */
async function tryOpen(
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

/** An error about the locked folder. */
export function folderFault(error: unknown, out: string): unknown {
  return fileFault(error, {
    doing: "use output folder",
    path: out,
    need: "a folder",
    exit: "config",
  });
}
