/**
 * Remembers which checkpoints this process has read back and found good, so that a save does not
 * read all of them again. That is safe because it only decides what may be removed: the loader
 * verifies every byte anyway, and whoever changes a file changes the stamp that is compared here.
 */
import { lstat } from "node:fs/promises";
import { join } from "node:path";
import { Damage } from "./damage.ts";
import { namesIn } from "./files.ts";
import { openCheckpoint } from "./verify.ts";

/** What was verified, for as long as a run holds its lock. */
export class Verified {
  /** Stamp of the files by path of the checkpoint. */
  readonly #stamps = new Map<string, string>();
  readonly #open: (path: string) => Promise<unknown>;

  /** Remembers nothing yet; `open` reads a checkpoint and throws Damage for a bad one. */
  constructor(open: (path: string) => Promise<unknown> = openCheckpoint) {
    this.#open = open;
  }

  /** Whether the checkpoint at `path` verifies; reads it when it is new or was touched. */
  async check(path: string): Promise<boolean> {
    // Before reading: what changes while it is read then looks changed at the next call.
    const stamp = await stampOf(path);
    if (this.#stamps.get(path) === stamp) return true;
    this.#stamps.delete(path);
    try {
      await this.#open(path);
    } catch (error) {
      if (error instanceof Damage) return false;
      throw error;
    }
    this.#stamps.set(path, stamp);
    return true;
  }
}

/** Inode, size and times of the folder and of all in it; every write shows, to the millisecond. */
async function stampOf(path: string): Promise<string> {
  const { isDirectory } = await Deno.lstat(path);
  const paths = isDirectory ? (await namesIn(path)).map((name) => join(path, name)) : [];
  const stamps = [];
  for (const each of [path, ...paths]) {
    const { dev, ino, size, mtimeNs, ctimeNs } = await lstat(each, { bigint: true });
    stamps.push([each, dev, ino, size, mtimeNs, ctimeNs].join(" "));
  }
  return stamps.join("\n");
}
