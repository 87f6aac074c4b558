/**
 * Caches which checkpoints this process has verified, so that a save does not read all of them
 * again. The cache only decides what may be removed: the loader verifies every byte, and any change
 * of a file changes the stamp that is compared here.
 */
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { hasCode } from "../base/file_fault.ts";
import { Damage } from "./damage.ts";
import { MANIFEST, MANIFEST_PARTS } from "./manifest.ts";
import { openCheckpoint } from "./verify.ts";

/** The verified checkpoints, for as long as a run holds its lock. */
export class VerifiedSteps {
  /** Stamp of its files, by path of the checkpoint. */
  readonly #stamps = new Map<string, string>();
  readonly #open: (path: string) => Promise<unknown>;

  /** `open` reads a checkpoint and throws Damage for a bad one. */
  constructor(open: (path: string) => Promise<unknown> = openCheckpoint) {
    this.#open = open;
  }

  /** Whether the checkpoint at `path` verifies; reads it if it is new or has changed. */
  async check(path: string): Promise<boolean> {
    // Taken before reading: a change during the read then shows at the next call.
    const stamp = await stampOf(path);
    if (stamp !== undefined && this.#stamps.get(path) === stamp) return true;
    this.#stamps.delete(path);
    try {
      await this.#open(path);
    } catch (error) {
      // Another process may have moved the checkpoint.
      if (error instanceof Damage || hasCode(error, "ENOENT")) return false;
      throw error;
    }
    if (stamp !== undefined) this.#stamps.set(path, stamp);
    return true;
  }
}

/**
 * Inode, size and times of the checkpoint's files, following links; other files are ignored.
 * Undefined if one of them cannot be read.
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
