/** The coordinator dies or is stopped at every point, with real processes. */
import { assertEquals, assertLess } from "@std/assert";
import { SAVE_POINTS } from "../../../src/checkpoint/commit.ts";
import { assertReplayed } from "../support/replay.ts";
import { assertSavesAreWhole } from "../support/killed_save.ts";
import { assertStopsAreKept } from "../support/stops.ts";
import { args, FAMILIES, golden, Lab, stepLine, STEPS } from "../support/support.ts";

/** Points of a save by model family: all of them once, then one of each phase. */
const POINTS = {
  gpt: SAVE_POINTS,
  lstm: ["create folder", "sync manifest.json", "publish", "sync root"],
};

for (const family of FAMILIES) {
  Deno.test(`9: ${family}: SIGKILL of the coordinator whenever a step counts, with a resume each time`, async () => {
    using lab = new Lab();
    const state = await golden(family);
    for (const step of [1, 9, 16, 23]) {
      const kill = lab.faults({ at: { step, point: "commit" }, do: "sigkill" });
      const resume = step === 1 ? args(family, "run", "--workers=2") : ["--resume=run"];
      if (step === 9) { // nothing was saved before step 8: the run begins anew
        await Deno.remove(lab.of("run"), { recursive: true });
        resume.splice(0, 1, ...args(family, "run", "--workers=2"));
      }
      await lab.run([...resume, ...kill]);
      assertLess(await lab.untilGone(), 2000);
      lab.assertQuiet();
    }
    await lab.finish(["--resume=run"]);
    await lab.assertEnded("run", { state });
  });

  for (const point of POINTS[family]) {
    Deno.test(`10: ${family}: SIGKILL of the coordinator before "${point}" of a save leaves a newest checkpoint that verifies`, async () => {
      using lab = new Lab();
      await assertSavesAreWhole(lab, family, [point]);
    });
  }

  Deno.test(`28: ${family}: signals at 10 random moments end with a checkpoint, and resume gives the same bits`, async () => {
    using lab = new Lab();
    const seed = Math.floor(Date.now() / 1000);
    console.log(`seed ${seed}`);
    await assertStopsAreKept(lab, family, { times: 10, seed });
  });

  for (const policy of ["skip", "rollback"] as const) {
    Deno.test(`20: ${family}: a run that is killed after its policy ${policy} decided decides the same again`, () =>
      assertReplayed(family, policy));
  }

  Deno.test(`29: ${family}: 4, 2, 1 and 4 workers over resumes give the bits of one`, async () => {
    using lab = new Lab();
    const state = await golden(family);
    await lab.finish(args(family, "run", "--workers=4", "--steps=6"));
    for (const [workers, steps] of [[2, 12], [1, 18], [4, STEPS]]) {
      await lab.finish(["--resume=run", `--workers=${workers}`, `--steps=${steps}`]);
    }
    await lab.assertEnded("run", { state });
  });
}

const LIBRARY = findFakeTime();

Deno.test({
  name: "29: gpt: a clock that jumps an hour ahead and back while a run goes on trips no deadline" +
    (LIBRARY === undefined ? " (not run: needs the package faketime)" : ""),
  ignore: LIBRARY === undefined,
  async fn() {
    using lab = new Lab();
    const more = ["--steps=120", "--eval.every=0"];
    const state = await golden("gpt", ...more);
    const clock = lab.of("clock");
    const turn = (offset: string) => Deno.writeTextFileSync(clock, offset);
    turn("+0");
    const running = lab.start(args("gpt", "run", "--workers=2", ...more), {
      LD_PRELOAD: LIBRARY as string,
      FAKETIME_TIMESTAMP_FILE: clock,
      FAKETIME_NO_CACHE: "1",
      FAKETIME_DONT_FAKE_MONOTONIC: "1",
    });
    for (const [step, offset] of [[20, "+3600"], [50, "-3600"], [80, "+0"]] as const) {
      await running.line(stepLine(step));
      turn(offset);
    }
    const { code } = await running.ended;
    assertEquals(code, 0);
    const times = lab.journal("run").map(({ time }) => Date.parse(String(time)));
    const ahead = times.filter((time) => time > Date.now() + 1_800_000);
    assertEquals(ahead.length > 0, true, "the clock of the run did not jump");
    assertEquals(lab.losses("run"), []);
    await lab.assertEnded("run", { state, steps: 120 });
  },
});

/** The library of the package faketime, if installed. */
function findFakeTime(): string | undefined {
  const { stdout } = new Deno.Command("sh", {
    args: ["-c", "ls /usr/lib/*/faketime/libfaketime.so.1"],
    stderr: "null",
  }).outputSync();
  return new TextDecoder().decode(stdout).split("\n")[0] || undefined;
}
