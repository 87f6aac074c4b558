/**
 * Remembers which checkpoints this process has read back and found good, so that a save does not
 * read all of them again. That is safe because it only decides what may be removed: the loader
 * verifies every byte anyway, and whoever changes a file changes the stamp that is compared here.
 */
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { hasCode } from "../base/file_fault.ts";
import { Damage } from "./damage.ts";
import { MANIFEST, MANIFEST_PARTS } from "./manifest.ts";
import { openCheckpoint } from "./verify.ts";

/** What was verified, for as long as a run holds its lock. */
export class VerifiedSteps {
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
    if (stamp !== undefined && this.#stamps.get(path) === stamp) return true;
    this.#stamps.delete(path);
    try {
      await this.#open(path);
    } catch (error) {
      // Somebody may have moved it away meanwhile: it is not there to be counted on.
      if (error instanceof Damage || hasCode(error, "ENOENT")) return false;
      throw error;
    }
    if (stamp !== undefined) this.#stamps.set(path, stamp);
    return true;
  }
}

/**
 * Inode, size and times of the files of a checkpoint, through links; every write shows, to the
 * millisecond. Other files come and go, and say nothing. Undefined where one cannot be looked at.
 */
async function stampOf(path: string): Promise<string | undefined> {
  const stamps = [];
  for (const name of [MANIFEST, ...MANIFEST_PARTS]) {
    const found = await stat(join(path, name), { bigint: true }).catch(() => undefined);
    if (found === undefined) return undefined;
    const { dev, ino, size, mtimeNs, ctimeNs } = found;
    stamps.push([dev, ino, size, mtimeNs, ctimeNs].join(" "));
  }
  return stamps.join("\n");
}
