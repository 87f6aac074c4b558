import { assertEquals, assertRejects } from "@std/assert";
import { UserError } from "../../../src/base/user_error.ts";
import { parseCommandLine } from "../../../src/cli/args.ts";
import { runOf, settleRun } from "../../../src/cli/train/resumed.ts";
import { configOf } from "../../../src/cli/train/train.ts";
import { saveCheckpoint } from "../../../src/checkpoint/commit.ts";
import { draftOf, TempFolder } from "../../checkpoint/fixture.ts";

/** A folder with a run of the steps 2 and 4. */
async function withRun(work: (place: string) => Promise<void>): Promise<void> {
  using temp = new TempFolder();
  for (const step of [2, 4]) await saveCheckpoint(`${temp.path}/run/checkpoints`, draftOf(step));
  Deno.writeTextFileSync(`${temp.path}/run/config.json`, '{ "name": "own" }');
  await work(temp.path);
}

Deno.test("a run is meant by its folder, by its checkpoints, and by its newest one", () =>
  withRun(async (place) => {
    Deno.symlinkSync(`${place}/run/checkpoints`, `${place}/steps`);
    const paths: [string, string][] = [
      ["run", "run"],
      ["run/", "run/"],
      ["run/checkpoints", "run"],
      ["run/checkpoints/", "run"],
      ["run/checkpoints/step-00000004", "run"],
      ["run/checkpoints/step-00000004/", "run"],
      ["run/checkpoints/./step-00000004/.", "run"],
      ["nowhere", "nowhere"],
      ["run/checkpoints/step-00000009", "run/checkpoints/step-00000009"],
      ["run/config.json", "run/config.json"],
    ];
    for (const [path, run] of paths) {
      assertEquals(await runOf(`${place}/${path}`), `${place}/${run}`);
    }
    // One may be called like the folder of checkpoints.
    Deno.mkdirSync(`${place}/x/checkpoints`, { recursive: true });
    Deno.writeTextFileSync(`${place}/x/checkpoints/config.json`, "{}");
    assertEquals(await runOf(`${place}/x/checkpoints`), `${place}/x/checkpoints`);
  }));

Deno.test("an older checkpoint, or one of no run, is refused with the ways to go on", () =>
  withRun(async (place) => {
    const older = `${place}/run/checkpoints/step-00000002`;
    const says = `need the newest checkpoint of ${place}/run, which is of step 4: ` +
      `--resume=${place}/run goes on from there, and --init=${older} begins a new run`;
    assertEquals((await assertRejects(() => runOf(older), UserError, says)).exit, "config");
    await saveCheckpoint(`${place}/copies`, draftOf(2));
    const one = `${place}/copies/step-00000002`;
    const error = await assertRejects(() => runOf(one), UserError, "need the folder of its run");
    assertEquals([error.exit, error.message.includes(`--init=${one}`)], ["config", true]);
  }));

Deno.test("what a run that goes on would not heed is refused", () =>
  withRun(async (place) => {
    const run = `${place}/run`;
    const settle = (...args: string[]) => settleRun(parseCommandLine(args));
    const config = async (...args: string[]) => await configOf(await settle(...args));
    await assertRejects(() => settle(`--resume=${run}`, `--restart=${run}`), UserError, "got both");
    await assertRejects(() => settle(`--resume=${run}`, "--out=x"), UserError, "resume goes on in");
    await assertRejects(
      () => settle(`--restart=${run}`, "--out=x"),
      UserError,
      "restart begins in",
    );
    assertEquals((await settle(`--resume=${run}`, "--follow-links")).followLinks, true);
    for (const args of [["--follow-links"], ["--follow-links", `--restart=${run}`]]) {
      await assertRejects(() => settle(...args), UserError, "Cannot take --follow-links");
    }
    Deno.writeTextFileSync(`${place}/other.json`, '{ "init": "runs/b" }');
    for (const more of [["--init=runs/b"], [`${place}/other.json`]]) {
      const says = `Cannot resume ${run} with --init`;
      const error = await assertRejects(() => config(`--resume=${run}`, ...more), UserError, says);
      assertEquals(error.exit, "config");
    }
    // What it began with is no other model.
    Deno.writeTextFileSync(`${run}/config.json`, '{ "name": "own", "init": "runs/b" }');
    assertEquals((await config(`--resume=${run}`, "--init=runs/b")).name, "own");
    assertEquals((await config(`--resume=${run}/checkpoints/step-00000004`)).init, "runs/b");
  }));
