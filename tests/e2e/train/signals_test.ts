/** Runs that are told to stop, or killed, and go on as if nothing had happened. */
import { assert, assertEquals, assertLess, assertMatch } from "@std/assert";
import { REPEAT_MS } from "../../../src/terminal/signals.ts";
import { assertStepsOnce } from "../metrics.ts";
import { Place, type Running, tinyArgs } from "../support.ts";

const STEPS = 60;
const NOTICE = "Stopping after this step; once more to stop at once\n";

/** Starts a run of `STEPS` steps and waits until it is in the middle of them. */
async function midway(place: Place, out: string, ...more: readonly string[]): Promise<Running> {
  const running = place.start(tinyArgs(out, `--steps=${STEPS}`, "--checkpoint.every=5", ...more));
  await running.line(/^step +7\//);
  return running;
}

/** Waits until a run is in its first step. */
async function begins(place: Place, out: string): Promise<void> {
  const hasJournal = () => {
    try {
      return Deno.statSync(place.of(`${out}/journal.jsonl`)).isFile;
    } catch {
      return false;
    }
  };
  for (const end = performance.now() + 20_000; !hasJournal() && performance.now() < end;) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Waits until no process of the place is left; gives the milliseconds it took. */
async function untilGone(place: Place): Promise<number> {
  const start = performance.now();
  while (place.processes().length > 0 && performance.now() - start < 5000) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return performance.now() - start;
}

Deno.test("a run that is stopped or killed goes on to the state of one that was not", async (t) => {
  using place = new Place();
  await place.succeed(tinyArgs("straight", `--steps=${STEPS}`, "--checkpoint.every=5"));
  const straight = place.stateHash("straight");

  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    await t.step(`${signal} ends the run after its step, with a checkpoint`, async () => {
      const running = await midway(place, signal, "--workers=2");
      running.kill(signal);
      const { code, stdout, stderr } = await running.ended;
      assertEquals([code, stderr], [0, NOTICE]);
      place.assertQuiet();
      const stopped = Number(place.json(`${signal}/summary.json`)["steps"]);
      assert(stopped >= 7 && stopped < STEPS, `stopped at ${stopped}`);
      assert(stdout.includes(`Stopped at step ${stopped}: go on with --resume=${signal}\n`));
      await place.succeed([`--resume=${signal}`]);
      assertEquals(place.stateHash(signal), straight);
      assertStepsOnce(place.of(`${signal}/metrics.jsonl`), STEPS);
    });
  }

  await t.step("SIGKILL of the coordinator ends its workers; the run can go on", async () => {
    const running = await midway(place, "killed", "--workers=3");
    assertEquals(place.processes().length, 4);
    running.kill("SIGKILL");
    const ms = await untilGone(place);
    assertLess(ms, 2000);
    const { stderr } = await running.ended;
    assertEquals(stderr, "");
    place.assertQuiet();
    await place.succeed(["--resume=killed", "--workers=2"]);
    assertEquals(place.stateHash("killed"), straight);
    assertStepsOnce(place.of("killed/metrics.jsonl"), STEPS);
  });
});

Deno.test("a run that loses a worker says so, and goes on to the same state", async () => {
  using place = new Place();
  await place.succeed(tinyArgs("straight", `--steps=${STEPS}`));
  const running = await midway(place, "run", "--workers=4");
  const [worker] = place.processes().filter((pid) => pid !== running.pid);
  Deno.kill(worker ?? NaN, "SIGKILL");
  const { code, stdout, stderr } = await running.ended;
  assertEquals([code, stderr], [0, ""]);
  assertMatch(stdout, /^Going on from step \d+ with 3 of 4 workers \(1 gone/m);
  place.assertQuiet();
  assertEquals(place.stateHash("run"), place.stateHash("straight"));
  assertStepsOnce(place.of("run/metrics.jsonl"), STEPS);
});

Deno.test("signals that come together are one: the run is saved", async (t) => {
  using place = new Place();
  for (const more of [["SIGINT"], ["SIGTERM", "SIGINT", "SIGTERM"]] as const) {
    await t.step(`SIGINT, then ${more.join(", ")}`, async () => {
      const out = more.join();
      const running = place.start(tinyArgs(out, "--workers=2", "--steps=100000"));
      await running.line(/^step +2\//);
      running.kill("SIGINT");
      await running.errorLine(/^Stopping/);
      for (const signal of more) running.kill(signal);
      const { code, stderr } = await running.ended;
      assertEquals([code, stderr], [0, NOTICE]);
      assert(Number(place.json(`${out}/summary.json`)["steps"]) >= 1);
      place.assertQuiet();
    });
  }
});

Deno.test("a second signal ends the run at once", async (t) => {
  using place = new Place();
  for (const [first, second] of [["SIGTERM", "SIGTERM"], ["SIGINT", "SIGTERM"]] as const) {
    await t.step(`${first}, then ${second}`, async () => {
      const out = `${first}-${second}`;
      // Plain loops take so long for a step that the run does not end by itself between the two.
      const more = [
        "--workers=2",
        "--micro_batch_size=4096",
        "--device=reference",
        "--model.width=8",
      ];
      const running = place.start(tinyArgs(out, ...more, "--model.heads=2"));
      await begins(place, out);
      running.kill(first);
      await running.errorLine(/^Stopping/);
      await new Promise((resolve) => setTimeout(resolve, REPEAT_MS + 200));
      running.kill(second);
      const { code, stderr } = await running.ended;
      assertEquals([code, stderr], [130, NOTICE]);
      assertLess(await untilGone(place), 2000);
      place.assertQuiet();
    });
  }
});
