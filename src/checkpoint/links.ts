/** Symbolic links: they are followed everywhere, so one that leads nowhere must not look like nothing. */
import { hasCode } from "../base/file_fault.ts";

/** Whether an error says that a path, or what a link there leads to, does not exist. */
export function isAbsent(error: unknown): boolean {
  return hasCode(error, "ENOENT") || hasCode(error, "ELOOP");
}

/** Whether a symbolic link lies at `path`, wherever it leads. */
export async function isLink(path: string): Promise<boolean> {
  try {
    return (await Deno.lstat(path)).isSymlink;
  } catch (error) {
    if (isAbsent(error) || hasCode(error, "ENOTDIR")) return false;
    throw error;
  }
}
