/** Checks that a run can save in its folder before anything is computed. Needs the run's lock. */
import { join } from "node:path";
import { writingFault } from "../../src/base/file_fault.ts";
import { writeAll } from "../../src/base/files/write_all.ts";
import { DISK, type Disk } from "../../src/checkpoint/disk.ts";
import { fileNamesIn } from "../../src/checkpoint/files.ts";
import { MANIFEST_PARTS } from "../../src/checkpoint/manifest.ts";
import { asideName, STEP_PREFIX, stepName } from "../../src/checkpoint/names.ts";
import { checkSpace, freeBytes } from "../../src/checkpoint/space.ts";
import type { RunConfig } from "../../src/config/schema.ts";
import { stateVectors } from "../../src/optim/mod.ts";
import { shapeOf } from "../../src/engine/plans.ts";
import { stateBuckets } from "../../src/engine/state.ts";

/** Bytes that are written as a test: free space does not show quotas. */
const PROBE = 2 ** 16;

/** The disk to check; tests replace its parts. */
export interface RoomOptions {
  readonly vocabulary: number;
  readonly disk?: Disk;
  readonly free?: (path: string) => number;
}

/**
 * Writes a file as a save does, and removes it. @throws {FileFault} when the disk has no room for a
 * checkpoint, or does not take the file.
 */
export async function requireRoom(
  out: string,
  config: RunConfig,
  { vocabulary, disk = DISK, free = freeBytes }: RoomOptions,
): Promise<void> {
  const root = join(out, "checkpoints");
  // A run that cannot begin leaves no checkpoints folder.
  const at = (await fileNamesIn(out)).includes("checkpoints") ? root : out;
  const { layout } = shapeOf(config, vocabulary);
  const bytes = 4 * stateBuckets(layout, stateVectors(config.optim))
    .reduce((sum, { length }) => sum + length, 0);
  const temp = join(at, asideName(STEP_PREFIX.writing, stepName(config.steps)));
  try {
    checkSpace(at, { bytes, free: free(at) });
    await disk.makeFolder(temp);
    using file = await disk.create(join(temp, MANIFEST_PARTS[1]));
    await writeAll(file, new Uint8Array(PROBE));
    await file.sync();
  } catch (error) {
    throw writingFault(error, { doing: "save to", path: at }) ?? error;
  } finally {
    await disk.remove(temp).catch(() => {}); // the next start removes what stays
  }
}
