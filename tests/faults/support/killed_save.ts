/** Leftovers of a save whose process is killed during it. */
import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { listCheckpoints, loadNewest } from "../../../src/checkpoint/load.ts";
import { args, type Family, golden, type Lab } from "./support.ts";

/** The save that is killed. */
const AT = 16;

/**
 * Kills the coordinator at points of the save at step 16: the newest checkpoint is then that of
 * step 8 or 16 and verifies, and a resume ends in the state of an undisturbed run.
 */
export async function assertSavesAreWhole(
  lab: Lab,
  family: Family,
  points: readonly string[],
): Promise<void> {
  const state = await golden(family);
  for (const [n, point] of points.entries()) {
    const out = `run-${n}`;
    const plan = lab.faults({ at: { step: AT, point: `save: ${point}` }, do: "sigkill" });
    const { code } = await lab.run(args(family, out, "--workers=2", ...plan));
    assertNotEquals(code, 0);
    await lab.untilGone();
    const root = lab.of(`${out}/checkpoints`);
    const skipped: string[] = [];
    const { manifest } = await loadNewest(root, {
      onSkip: (path) => skipped.push(path),
      quarantine: false,
    });
    const steps = (await listCheckpoints(root)).map(({ step }) => step);
    assertEquals(skipped, [], `killed at ${point}`);
    // The rename publishes the new checkpoint.
    assertEquals(manifest.step, point === "sync root" ? AT : AT - 8, `killed at ${point}`);
    assert(steps.includes(AT - 8));
    await lab.finish([`--resume=${out}`]);
    await lab.assertEnded(out, { state });
  }
}
