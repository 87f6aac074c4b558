/**
 * Opens a file to append to in a folder that other processes may change. Opening a named pipe
 * without a reader would block forever, also for signals, and a link would redirect the writes.
 */
import { reasonOf } from "../base/file_fault.ts";
import { kindOf } from "../base/files/file_kind.ts";
import { UserError } from "../base/user_error.ts";
import { lookAt } from "./atomic.ts";

/**
 * Opens the file at `path`, without following links. A race of microseconds remains between lstat
 * and open, since Deno has no O_NONBLOCK; a file opened through a link in it is closed unwritten.
 * @throws {UserError} `config` for anything but a regular file; else the system's error.
 */
export function openPlain(path: string, options: Deno.OpenOptions): Deno.FsFile {
  const found = lookAt(path);
  if (found !== undefined && !found.isFile) throw unfit(path, kindOf(found));
  // O_EXCL does not follow a link in the last component of the path.
  const { create = false, ...rest } = options;
  const file = Deno.openSync(path, {
    ...rest,
    ...found === undefined && create && { createNew: true },
  });
  const { dev, ino } = file.statSync();
  if (found === undefined || (dev === found.dev && ino === found.ino)) return file;
  file.close();
  throw unfit(path, "another one than a moment ago");
}

/** Whether an open file is the one at `path`. */
export function isAt(path: string, file: Pick<Deno.FsFile, "statSync">): boolean {
  const [at, held] = [lookAt(path), file.statSync()];
  return at !== undefined && at.dev === held.dev && at.ino === held.ino;
}

/** The message for an error of writing `path`. */
export function cannotWrite(path: string, error: unknown): string {
  return error instanceof UserError ? error.message : `Cannot write ${path}: ${reasonOf(error)}`;
}

function unfit(path: string, kind: string): UserError {
  return new UserError("config", `Cannot write ${path}: need a plain file: it is ${kind}`);
}
