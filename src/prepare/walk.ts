/**
 * The files below a folder. Links are followed; a folder that was read already, by whatever name, is
 * not read again, so that links to folders above them end.
 */
import { join } from "node:path";
import { fileFault, isMissing } from "../base/file_fault.ts";

/** What a walk left out, as paths relative to its root. */
export interface LeftOut {
  /** Other names of folders that are read. */
  readonly again: string[];
  /** Links that lead nowhere. */
  readonly broken: string[];
  /** Named pipes, sockets and devices. */
  readonly special: string[];
}

/** Nothing left out yet. */
export function leftOutNothing(): LeftOut {
  return { again: [], broken: [], special: [] };
}

/** How a walk goes. */
export interface WalkOptions {
  /** Most names in a path; all unless told. */
  readonly depth?: number;
  readonly leftOut?: LeftOut;
}

/** A folder to read. */
interface Folder {
  /** Relative to the root, with a slash at its end; empty for the root. */
  readonly below: string;
  readonly depth: number;
  readonly isLink: boolean;
}

/**
 * Files below a folder as paths relative to it, hidden ones left out. Folders come before links to
 * folders, so a file is found by its own name where it has one below the root.
 */
export async function* filesBelow(
  root: string,
  { depth = Infinity, leftOut = leftOutNothing() }: WalkOptions = {},
): AsyncGenerator<string> {
  const seen = new Set<string>();
  const folders: Folder[] = [{ below: "", depth, isLink: false }];
  const links: Folder[] = [];
  for (let folder; (folder = folders.pop() ?? links.shift()) !== undefined;) {
    const { below } = folder;
    // Where the depth is bounded no links go on for ever, and a pattern may mean what is behind one.
    if (depth === Infinity && !await isNew(join(root, below), seen)) {
      leftOut.again.push(below.slice(0, -1));
      continue;
    }
    for (const entry of await entriesOf(join(root, below))) {
      const path = below + entry.name;
      const info = await Deno.stat(join(root, path)).catch(() => undefined);
      if (info === undefined) leftOut.broken.push(path);
      else if (info.isFile) yield path;
      else if (!info.isDirectory) leftOut.special.push(path);
      else if (folder.depth > 1) {
        const isLink = folder.isLink || entry.isSymlink;
        const next = { below: path + "/", depth: folder.depth - 1, isLink };
        (isLink ? links : folders).push(next);
      }
    }
  }
}

/** Whether a folder was not seen before, by any name. */
async function isNew(path: string, seen: Set<string>): Promise<boolean> {
  const real = await Deno.realPath(path).catch(() => path);
  if (seen.has(real)) return false;
  seen.add(real);
  return true;
}

/** Entries of a folder in order of name, without hidden ones; none where there is no folder. */
async function entriesOf(folder: string): Promise<Deno.DirEntry[]> {
  try {
    const entries = await Array.fromAsync(Deno.readDir(folder));
    return entries.filter(({ name }) => !name.startsWith("."))
      .sort((a, b) => a.name < b.name ? -1 : 1);
  } catch (error) {
    if (isMissing(error)) return [];
    throw fileFault(error, { doing: "read", path: folder });
  }
}
