import { assert, assertEquals, assertGreater } from "@std/assert";
import { UserError } from "../../src/base/user_error.ts";
import { saveCheckpoint } from "../../src/checkpoint/commit.ts";
import type { Disk } from "../../src/checkpoint/disk.ts";
import { loadNewest } from "../../src/checkpoint/load.ts";
import { applyRetention, cleanLeftovers } from "../../src/checkpoint/retention.ts";
import { draftOf, hashOf, names, TempFolder } from "../checkpoint/fixture.ts";
import { type Effect, keyOf, materialise, Recorder, worldsAfter } from "./support/write_log.ts";

const POLICY = { keep: 1, keep_every: 0, keep_best: false };

/** The effects of saving three steps and removing all but the last; `worse` modifies them. */
async function record(worse: (disk: Recorder) => Partial<Disk> = () => ({})): Promise<Effect[]> {
  using temp = new TempFolder();
  const recorder = new Recorder(temp.path);
  const disk: Disk = {
    makeFolder: (path) => recorder.makeFolder(path),
    create: (path) => recorder.create(path),
    syncFolder: (path) => recorder.syncFolder(path),
    rename: (from, to) => recorder.rename(from, to),
    remove: (path) => recorder.remove(path),
    ...worse(recorder),
  };
  const root = `${temp.path}/checkpoints`;
  for (const step of [1, 2, 3]) {
    await saveCheckpoint(root, draftOf(step), { disk });
    recorder.mark("saved");
  }
  assertEquals(await applyRetention(root, POLICY, { disk }), [2, 1]);
  return recorder.log;
}

/**
 * The result of loading: the step, 0 without checkpoints, -1 if none verifies; and the skipped
 * ones.
 */
async function load(folder: string): Promise<{ step: number; skipped: number }> {
  const root = `${folder}/checkpoints`;
  let skipped = 0;
  try {
    const { manifest } = await loadNewest(root, { onSkip: () => void skipped++ });
    // Not only consistent, but the trained state.
    assertEquals(manifest.stateHash, hashOf(draftOf(manifest.step)));
    return { step: manifest.step, skipped };
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return { step: error.exit === "config" ? 0 : -1, skipped };
  }
}

/** Simulates a power cut after every effect, in every way, and checks the result with `check`. */
async function cutEverywhere(
  log: readonly Effect[],
  check: (folder: string, saved: number) => Promise<void>,
): Promise<number> {
  const seen = new Set<string>();
  let saved = 0;
  for (let n = 0; n <= log.length; n++) {
    if (log[n - 1]?.kind === "mark") saved++;
    for (const tree of worldsAfter(log.slice(0, n))) {
      const key = `${saved} ${keyOf(tree)}`;
      if (seen.has(key)) continue;
      seen.add(key);
      using temp = new TempFolder();
      materialise(tree, temp.path);
      await check(temp.path, saved);
    }
  }
  return seen.size;
}

Deno.test("a power cut after any effect of a save or a removal leaves the old or the new step", async () => {
  const log = await record();
  assertEquals(log.filter(({ kind }) => kind === "rename").length, 5);
  const worlds = await cutEverywhere(log, async (folder, saved) => {
    const { step, skipped } = await load(folder);
    assert(step === saved || step === saved + 1, `step ${step} after ${saved} saves`);
    // Every folder with a step's name is complete, also older ones and those being removed.
    assertEquals(skipped, 0);
    for (
      const name of names(folder).includes("checkpoints") ? names(`${folder}/checkpoints`) : []
    ) {
      if (!name.startsWith("step-")) continue;
      assertEquals(names(`${folder}/checkpoints/${name}`).length, 3);
    }
    await cleanLeftovers(`${folder}/checkpoints`);
    if (step > 0) {
      assert(names(`${folder}/checkpoints`).every((name) => name.startsWith("step-")));
    }
  });
  assertGreater(worlds, 200);
});

for (const missing of ["files", "folders"] as const) {
  Deno.test(`the replay finds fault with a save that does not sync its ${missing}`, async () => {
    const nothing = () => Promise.resolve();
    const log = await record((disk) =>
      missing === "folders" ? { syncFolder: nothing } : {
        create: async (path) => ({ ...await disk.create(path), sync: nothing }),
      }
    );
    // The first save is enough; later ones multiply the number of states.
    const first = log.slice(0, log.findIndex(({ kind }) => kind === "mark") + 1);
    let bad = 0;
    await cutEverywhere(first, async (folder, saved) => {
      const { step, skipped } = await load(folder);
      if (step < saved || skipped > 0) bad++;
    });
    assertGreater(bad, 0);
  });
}
