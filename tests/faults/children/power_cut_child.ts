/**
 * Saves on a disk and shuts it down as a power cut would, or reports what is left on it:
 * `power_cut_child.ts <folder> <point of the save | after | unsynced | load>`.
 */
import { basename } from "node:path";
import { saveCheckpoint } from "../../../src/checkpoint/commit.ts";
import { DISK, type Disk } from "../../../src/checkpoint/disk.ts";
import { loadNewest } from "../../../src/checkpoint/load.ts";
import { draftOf, names } from "../../checkpoint/fixture.ts";
import { shutDown } from "../support/power_cut.ts";

const [disk = "", point = ""] = Deno.args;
const root = `${disk}/checkpoints`;

/** A disk whose files are not synced; names are. */
const UNSYNCED: Disk = {
  ...DISK,
  async create(path) {
    const file = await DISK.create(path);
    return {
      write: (bytes) => file.write(bytes),
      sync: () => Promise.resolve(),
      [Symbol.dispose]: () => file[Symbol.dispose](),
    };
  },
};

async function load(): Promise<unknown> {
  const skipped: string[] = [];
  const found = names(root);
  const { manifest } = await loadNewest(root, {
    onSkip: (path, reason) => void skipped.push(`${basename(path)}: ${reason}`),
  });
  return { loads: manifest.step, names: found, skipped };
}

if (point === "load") {
  console.log(JSON.stringify(await load()));
} else {
  await saveCheckpoint(root, draftOf(1));
  const at = (here: string) => {
    if (here === point) shutDown(disk);
  };
  try {
    await saveCheckpoint(root, draftOf(2), {
      at,
      ...(point === "unsynced" ? { disk: UNSYNCED } : {}),
    });
  } catch {
    // The disk is shut down; the next process reports its contents.
  }
  if (point === "after" || point === "unsynced") shutDown(disk);
}
