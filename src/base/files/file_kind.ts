/** Names the kind of a file for error messages. Pure. */

/** The fields of `Deno.FileInfo` that determine the kind. */
export interface FileKind {
  readonly isFile: boolean;
  readonly isDirectory: boolean;
  readonly isSymlink: boolean;
  readonly isFifo?: boolean | null;
  readonly isSocket?: boolean | null;
}

/** `a file`, `a folder`, `a symbolic link`, `a named pipe`, `a socket` or `a device`. */
export function kindOf(found: FileKind): string {
  if (found.isFile) return "a file";
  if (found.isDirectory) return "a folder";
  if (found.isSymlink) return "a symbolic link";
  if (found.isFifo) return "a named pipe";
  return found.isSocket ? "a socket" : "a device";
}
