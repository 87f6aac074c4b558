/**
 * Removes checkpoints that are no longer wanted, never the last one that verifies. Needs the lock
 * of the run.
 */
import { basename, join } from "node:path";
import { Damage } from "./damage.ts";
import { namesIn } from "./files.ts";
import { listCheckpoints } from "./load.ts";
import { asideName, PREFIX } from "./names.ts";
import { openCheckpoint } from "./verify.ts";

/** The steps that go when the `keep` newest stay. Throws RangeError below 1. */
export function toRemove(steps: readonly number[], keep: number): number[] {
  if (!Number.isSafeInteger(keep) || keep < 1) {
    throw new RangeError(`Cannot keep checkpoints: at least 1 must stay: ${keep}`);
  }
  return steps.toSorted((a, b) => b - a).slice(keep);
}

/**
 * Keeps the `keep` newest checkpoints under `root` and gives the steps it removed. Nothing goes
 * before one of those that stay was read back and verified.
 */
export async function applyRetention(root: string, keep: number): Promise<number[]> {
  const listed = await listCheckpoints(root);
  const doomed = toRemove(listed.map(({ step }) => step), keep);
  if (doomed.length === 0) return [];
  const staying = listed.filter(({ step }) => !doomed.includes(step));
  if (!await anyVerifies(staying.map(({ path }) => path))) return [];
  for (const { step, path } of listed) {
    if (doomed.includes(step)) await discard(root, path);
  }
  return doomed;
}

async function anyVerifies(paths: readonly string[]): Promise<boolean> {
  for (const path of paths) {
    try {
      await openCheckpoint(path);
      return true;
    } catch (error) {
      if (!(error instanceof Damage)) throw error;
    }
  }
  return false;
}

/** Renamed first: a removal that is cut short leaves no half checkpoint under a step's name. */
async function discard(root: string, path: string): Promise<void> {
  const trash = join(root, asideName(PREFIX.removing, basename(path)));
  await Deno.rename(path, trash);
  await Deno.remove(trash, { recursive: true });
}

/** Removes what a killed process left half written or half removed; gives the names. */
export async function cleanLeftovers(root: string): Promise<string[]> {
  const left = (await namesIn(root)).filter((name) =>
    name.startsWith(PREFIX.writing) || name.startsWith(PREFIX.removing)
  );
  for (const name of left) await Deno.remove(join(root, name), { recursive: true });
  return left;
}
