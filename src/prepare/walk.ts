/**
 * Walks the files below a folder. Follows links, but visits each folder once, so that cyclic links
 * end.
 */
import { join } from "node:path";
import { fileFault, isMissing } from "../base/file_fault.ts";

/** Skipped paths of a walk, relative to its root. */
export interface LeftOut {
  /** Other paths of visited folders. */
  readonly again: string[];
  /** Broken links. */
  readonly broken: string[];
  /** Named pipes, sockets and devices. */
  readonly special: string[];
}

/** Empty lists. */
export function leftOutNothing(): LeftOut {
  return { again: [], broken: [], special: [] };
}

/** Options of {@linkcode filesBelow}. */
export interface WalkOptions {
  /** Maximum depth; default: unlimited. */
  readonly depth?: number;
  readonly leftOut?: LeftOut;
}

/** A folder to read. */
interface Folder {
  /** Path relative to the root with a trailing slash; empty for the root. */
  readonly below: string;
  readonly depth: number;
  readonly isLink: boolean;
}

/**
 * Files below a folder as relative paths, without hidden ones. Folders are visited before links, so
 * that a file is found by its own path if that is below the root.
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
    // A bounded depth ends cyclic links, and a pattern may name a path through a link.
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

/** Whether a folder was not visited before, by real path. */
async function isNew(path: string, seen: Set<string>): Promise<boolean> {
  const real = await Deno.realPath(path).catch(() => path);
  if (seen.has(real)) return false;
  seen.add(real);
  return true;
}

/** Entries of a folder in order of name, without hidden ones; none if it is missing. */
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
