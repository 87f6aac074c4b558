/** Symbolic links. Reads follow them, so a dangling link must not be taken for a missing file. */
import { hasCode } from "../base/file_fault.ts";

/** Whether an error means that a path, or the target of a link there, does not exist. */
export function isAbsent(error: unknown): boolean {
  return hasCode(error, "ENOENT") || hasCode(error, "ELOOP");
}

/** Whether `path` is a symbolic link, dangling or not. */
export async function isLink(path: string): Promise<boolean> {
  try {
    return (await Deno.lstat(path)).isSymlink;
  } catch (error) {
    if (isAbsent(error) || hasCode(error, "ENOTDIR")) return false;
    throw error;
  }
}
