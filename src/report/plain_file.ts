/**
 * Opens a file that is appended to while others may change its folder. Opening a named pipe without a
 * reader would stop the process for ever, deaf to signals, and a link would be written through.
 */
import { reasonOf } from "../base/file_fault.ts";
import { kindOf } from "../base/file_kind.ts";
import { UserError } from "../base/user_error.ts";
import { lookAt } from "./atomic.ts";

/**
 * Opens what lies at `path` itself. Between the look and the opening remains a window of microseconds:
 * Deno cannot open without waiting. What was opened in it through a link is closed unwritten.
 * @throws {UserError} `config` for what is no file; else what the system throws.
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

/** Whether an open file is the one at the path itself. */
export function isAt(path: string, file: Pick<Deno.FsFile, "statSync">): boolean {
  const [at, held] = [lookAt(path), file.statSync()];
  return at !== undefined && at.dev === held.dev && at.ino === held.ino;
}

/** The line for an error of writing `path`. */
export function cannotWrite(path: string, error: unknown): string {
  return error instanceof UserError ? error.message : `Cannot write ${path}: ${reasonOf(error)}`;
}

function unfit(path: string, kind: string): UserError {
  return new UserError("config", `Cannot write ${path}: need a plain file: it is ${kind}`);
}
