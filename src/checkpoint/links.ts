/** Symbolic links: they are followed everywhere, so one that leads nowhere must not look like nothing. */

/** Whether an error says that a path, or what a link there leads to, does not exist. */
export function isAbsent(error: unknown): boolean {
  return error instanceof Deno.errors.NotFound || error instanceof Deno.errors.FilesystemLoop;
}

/** Whether a symbolic link lies at `path`, wherever it leads. */
export async function isLink(path: string): Promise<boolean> {
  try {
    return (await Deno.lstat(path)).isSymlink;
  } catch (error) {
    if (isAbsent(error) || error instanceof Deno.errors.NotADirectory) return false;
    throw error;
  }
}
