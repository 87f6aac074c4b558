/**
 * Every way to lose a worker at every point of a step, for each model family: it costs only time.
 */
import {
  assert,
  assertEquals,
  assertLess,
  assertMatch,
  assertNotEquals,
  assertStringIncludes,
} from "@std/assert";
import { EXIT } from "../../../src/base/user_error.ts";
import { assertLossCostsNothing } from "../support/loss.ts";
import { poison } from "../support/replay.ts";
import { isStopped } from "../support/proc.ts";
import { args, FAMILIES, type Family, golden, Lab, pause, stepLine } from "../support/support.ts";

const NAMES: Readonly<Record<string, string>> = {
  forward: "1: {family}: SIGKILL in forward",
  exchange: "2: {family}: SIGKILL amid the exchange",
  summed: "2: {family}: SIGKILL with the sum and before the vote",
  voted: "3: {family}: SIGKILL between vote and commit",
  apply: "3: {family}: SIGKILL between commit and update",
};

for (const family of FAMILIES) {
  for (const [point, name] of Object.entries(NAMES)) {
    Deno.test(`${name.replace("{family}", family)} costs no step and no bit, whichever rank`, async () => {
      using lab = new Lab();
      for (const rank of [0, 1]) {
        const cost = await assertLossCostsNothing(lab, family, { rank, point });
        const [detect, recover] = [cost.detect, cost.recover].map((ms) => `${ms.toFixed(0)} ms`);
        console.log(
          `${family}, rank ${rank}, ${point}: seen in ${detect}, next step in ${recover}`,
        );
      }
    });
  }

  Deno.test(`1: ${family}: three of four lost in one step leave the one that is needed`, async () => {
    using lab = new Lab();
    const state = await golden(family);
    const kill = (rank: number) => ({ at: { step: 7, rank, point: "forward" }, do: "sigkill" });
    // The first loss aborts the step, sometimes before the last fault is injected.
    const lost: number[] = [];
    while (lost.at(-1) !== 3 && lost.length < 5) {
      const out = `run${lost.length}`;
      const faults = lab.faults(kill(0), kill(1), kill(3));
      await lab.finish(args(family, out, "--workers=4", ...faults));
      lost.push(lab.losses(out).length);
      assertEquals(lab.journal(out, "rewind"), []);
      await lab.assertEnded(out, { state });
    }
    assertEquals(lost.at(-1), 3, `lost in turn: ${lost}`);
  });

  Deno.test(`1: ${family}: all lost in one step go back to the last checkpoint`, async () => {
    using lab = new Lab();
    const state = await golden(family);
    // The remaining worker becomes rank 0, and gets the same fault before another joins.
    const plan = lab.faults({
      at: { step: 11, rank: 0, point: "forward" },
      do: "sigkill",
      times: 2,
    });
    await lab.finish(args(family, "run", "--workers=2", ...plan));
    assertEquals(lab.losses("run").length, 2);
    assertEquals(lab.journal("run", "rewind").map(({ from, to }) => [from, to]), [[11, 8]]);
    await lab.assertEnded("run", { state });
  });

  for (const seconds of [1, 3]) {
    Deno.test(`4: ${family}: a formation that never came to stand leaves no trace in the next, deadline ${seconds} s`, async () => {
      using lab = new Lab();
      const state = await golden(family);
      // Rank 3 is lost at once; the quorum without it waits for rank 1, which is detected later.
      const plan = lab.faults(
        { at: { step: 7, rank: 1, point: "forward" }, do: "sigstop" },
        { at: { step: 7, rank: 3, point: "forward" }, do: "sigkill" },
      );
      await lab.finish(
        args(family, "run", "--workers=4", `--recovery.deadline_s=${seconds}`, ...plan),
      );
      assertEquals(lab.losses("run").length, 2);
      assertEquals([...lab.journal("run", "drift"), ...lab.journal("run", "rewind")], []);
      await lab.assertEnded("run", { state });
    });
  }

  for (const deed of ["sigstop", "hang"]) {
    Deno.test(`4: ${family}: a rank that meets ${deed} while it sends its part of a checkpoint is found, and the checkpoint written`, async () => {
      using lab = new Lab();
      const state = await golden(family);
      const plan = lab.faults({ at: { step: 16, rank: 0, point: "save" }, do: deed });
      await lab.finish(args(family, "run", "--workers=2", "--recovery.deadline_s=1", ...plan));
      assertEquals(lab.losses("run").map(({ reason }) => String(reason).slice(0, 16)), [
        "worker 0 is lost",
      ]);
      await lab.assertEnded("run", { state });
    });

    Deno.test(`4: ${family}: a rank that meets ${deed} amid the exchange is found, killed and replaced`, async () => {
      using lab = new Lab();
      const state = await golden(family);
      const plan = lab.faults({ at: { step: 7, rank: 0, point: "exchange" }, do: deed });
      await lab.finish(args(family, "run", "--workers=3", "--recovery.deadline_s=1", ...plan));
      const losses = lab.losses("run");
      assertEquals(losses.length, 1);
      assertMatch(String(losses[0]?.["reason"]), /^worker 0 is lost: hung: /);
      await lab.assertEnded("run", { state });
    });
  }

  Deno.test(`5: ${family}: a worker out of reach that comes back is fenced off and leaves within 2 s`, () =>
    assertFenced(family));

  Deno.test(`1: ${family}: workers lost in an evaluation and amid a save cost nothing`, async () => {
    using lab = new Lab();
    const state = await golden(family);
    const plan = lab.faults(
      { at: { step: 12, rank: 1, point: "evaluate" }, do: "sigkill" },
      { at: { step: 16, rank: 0, point: "save" }, do: "sigkill" },
    );
    await lab.finish(args(family, "run", "--workers=4", ...plan));
    assertEquals(lab.losses("run").length, 2);
    assertEquals(lab.journal("run", "rewind"), []);
    const saved = lab.journal("run", "saved").map(({ step }) => Number(step));
    assert(saved.some((step) => step >= 16 && step < 24), `saved at ${saved}`);
    await lab.assertEnded("run", { state });
  });
}

Deno.test("lstm: a worker that is slow gets fewer micro-batches, and the journal says why", async () => {
  using lab = new Lab();
  const state = await golden("lstm");
  const slow = Array.from({ length: 20 }, (_, step) => ({
    at: { step, rank: 1, point: "forward" },
    do: "delay",
    ms: 100,
  }));
  await lab.finish(args("lstm", "run", "--workers=2", ...lab.faults(...slow)));
  const reasons = lab.journal("run", "membership").map(({ reason }) => String(reason));
  const why = reasons.find((reason) => reason.startsWith("shares 4+4 become"));
  assertMatch(
    why ?? reasons.join("\n"),
    /^shares 4\+4 become [67]\+[12]: per micro-batch worker 0 /,
  );
  assertNotEquals(
    reasons.find((reason) => /worker 0 takes [67], worker 1 takes [12]$/.test(reason)),
    undefined,
  );
  await lab.assertEnded("run", { state });
});

Deno.test("19: gpt: a gradient that is NaN at one rank of two is a disagreement, and costs no bit", async () => {
  using lab = new Lab();
  const state = await golden("gpt");
  const [, second] = poison(1, 2);
  await lab.finish(args("gpt", "run", "--workers=2", ...lab.faults(second)));
  assertEquals(lab.journal("run", "disagreement").map(({ step }) => step), [10]);
  await lab.assertEnded("run", { state });
});

Deno.test("a rank that is lost again and again ends the run with 74 and the journal's evidence", async () => {
  using lab = new Lab();
  const kill = { at: { step: 10, rank: 0, point: "forward" }, do: "sigkill", times: 20 };
  const plan = lab.faults(kill);
  const line = args("gpt", "run", "--recovery.restarts=3", ...plan);
  const { code, stderr } = await lab.run(line);
  assertEquals(code, EXIT.lost);
  assertStringIncludes(stderr, "4 workers were lost within 10 min, recovery.restarts allows 3");
  assertEquals(lab.losses("run").length, 4);
  assertEquals(lab.journal("run", "rewind").map(({ to }) => to), [8, 8, 8]);
  await lab.assertSettled("run");
  await lab.finish(["--resume=run"]);
  await lab.assertEnded("run", { state: await golden("gpt") });
});

/** Suspends a worker until it is replaced, then resumes it. */
async function assertFenced(family: Family): Promise<void> {
  using lab = new Lab();
  const state = await golden(family);
  const away = { at: { step: 7, rank: 1, point: "forward" }, do: "sigstop", ms: 3000, spare: true };
  // Steps are slow enough that the run is still training when the worker resumes.
  const slow = Array.from({ length: 10 }, (_, n) => ({
    at: { step: 10 + n, rank: 0, point: "summed" },
    do: "delay",
    ms: 500,
  }));
  const plan = lab.faults(away, ...slow);
  const line = args(family, "run", "--workers=2", "--recovery.deadline_s=1", ...plan);
  const running = lab.start(line);
  await running.line(stepLine(7));
  const others = lab.processes().filter((pid) => pid !== running.pid);
  const zombie = await stoppedOf(others);
  const start = performance.now();
  while (lab.processes().includes(zombie) && performance.now() - start < 10_000) await pause(20);
  const gone = performance.now() - start;
  const { code, stderr } = await running.ended;
  assertEquals(code, 0, stderr);
  const stale = lab.journal("run", "stale");
  assertEquals(stale.map(({ worker }) => worker), [1]);
  assert(Number(stale[0]?.["frames"]) >= 1);
  const [strike] = lab.journal("run", "strike");
  const [loss] = lab.losses("run");
  assertLess(Number(loss?.at) - Number(strike?.at), 3); // it was replaced before it came back
  assertLess(gone, 3000 + 2000);
  await lab.assertEnded("run", { state });
}

/** The first of these processes that is suspended. */
async function stoppedOf(pids: readonly number[]): Promise<number> {
  for (let tries = 0; tries < 500; tries++) {
    for (const pid of pids) if (isStopped(pid)) return pid;
    await pause(5);
  }
  throw new Error(`None of ${pids.join(", ")} was stopped`);
}
