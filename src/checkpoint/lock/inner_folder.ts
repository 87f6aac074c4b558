/** A subfolder of the locked folder, identified by its inode. */
import { isMissing } from "../../base/file_fault.ts";
import { kindOf } from "../../base/files/file_kind.ts";

/** A held subfolder. */
export interface InnerFolder {
  readonly name: string;
  readonly path: string;
  readonly stat: () => Deno.FileInfo | undefined;
  /** The open folder; undefined until it exists. */
  held: Deno.FsFile | undefined;
  /** Whether this process is creating it, so that its inode is not known yet. */
  isBeingCreated: boolean;
}

/** Opens the subfolder if it exists, so that its inode is not reused. */
export function holdInner(inner: InnerFolder): void {
  if (inner.stat()?.isDirectory !== true) return;
  const before = inner.held;
  inner.held = Deno.openSync(inner.path, { read: true });
  before?.close();
}

/** How a held subfolder differs, or undefined. A missing one is accepted: it is created again. */
export function innerFault({ name, stat, held, isBeingCreated }: InnerFolder): string | undefined {
  const info = isBeingCreated ? undefined : stat();
  if (info === undefined) return undefined;
  if (held !== undefined && isSameInode(info, held.statSync())) return undefined;
  return info.isDirectory
    ? `another folder lies there as ${name} now`
    : `its ${name} is ${kindOf(info)} now`;
}

/** The result of a stat call; undefined if there is no such path. */
export function statIfAny(stat: () => Deno.FileInfo): Deno.FileInfo | undefined {
  try {
    return stat();
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

export function isSameInode(a: Deno.FileInfo, b: Deno.FileInfo): boolean {
  return a.dev === b.dev && a.ino === b.ino;
}
