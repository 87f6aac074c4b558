/** A subfolder of the locked folder, identified by its inode. */
import { isMissing } from "../../base/file_fault.ts";
import { kindOf } from "../../base/file_kind.ts";

/** A folder in the locked one, of a name that stays. */
export interface InnerFolder {
  readonly name: string;
  readonly path: string;
  readonly look: () => Deno.FileInfo | undefined;
  /** The folder that was found or made there; undefined before there was one. */
  held: Deno.FsFile | undefined;
  /** Whether this process is creating it: its identity is unknown until that ends. */
  isBeingMade: boolean;
}

/** Holds what lies there, if it is a folder: its inode is then not given to another one. */
export function holdInner(inner: InnerFolder): void {
  if (inner.look()?.isDirectory !== true) return;
  const before = inner.held;
  inner.held = Deno.openSync(inner.path, { read: true });
  before?.close();
}

/** What is wrong with a folder that is held. A missing folder is no fault: it is recreated. */
export function innerFault({ name, look, held, isBeingMade }: InnerFolder): string | undefined {
  const statIfAny = isBeingMade ? undefined : look();
  if (statIfAny === undefined) return undefined;
  if (held !== undefined && isSameInode(statIfAny, held.statSync())) return undefined;
  return statIfAny.isDirectory
    ? `another folder lies there as ${name} now`
    : `its ${name} is ${kindOf(statIfAny)} now`;
}

/** What the system says of a path; undefined where nothing lies. */
export function found(look: () => Deno.FileInfo): Deno.FileInfo | undefined {
  try {
    return look();
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

export function isSameInode(a: Deno.FileInfo, b: Deno.FileInfo): boolean {
  return a.dev === b.dev && a.ino === b.ino;
}
