/** Folders that are moved, or whose lock is removed, while commands write there: real processes. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { EXIT } from "../../src/base/user_error.ts";
import { startSweep, sweepFile, TINY } from "../e2e/sweep.ts";
import { Place, type Running, withoutStatus } from "../e2e/support.ts";
import { contentsOf } from "../support/contents.ts";
import { args, golden, Lab, pause, stepLine } from "./support/support.ts";

/** Starts a run that is slow at step 12; resolves after the step before. */
async function startSlow(lab: Lab): Promise<Running> {
  const slow = { at: { step: 12, rank: 0, point: "forward" }, do: "delay", ms: 3000 };
  const running = lab.start(args("gpt", "run", ...lab.faults(slow)));
  await running.line(stepLine(11));
  return running;
}

/** Checks that the run ended with one line, since another process owns its folder. */
async function assertLost(running: Running, says: RegExp): Promise<void> {
  const { code, stderr } = await running.ended;
  assertEquals(code, EXIT.locked, stderr);
  assertMatch(stderr, /^error: Cannot write to run: need the folder [^\n]+\n$/);
  assertMatch(stderr, says);
}

Deno.test("a run whose folder was moved ends with 73, whether or not another begins there", async () => {
  using lab = new Lab();
  const state = await golden("gpt");
  const first = await startSlow(lab);
  Deno.renameSync(lab.of("run"), lab.of("moved"));
  await assertLost(first, /it was moved or removed\n$/);
  assert(!Array.from(Deno.readDirSync(lab.path), ({ name }) => name).includes("run"));
  Deno.removeSync(lab.of("moved"), { recursive: true });

  const second = await startSlow(lab);
  second.kill("SIGSTOP");
  Deno.renameSync(lab.of("run"), lab.of("moved"));
  await lab.finish(args("gpt", "run"));
  const before = contentsOf(lab.of("run"));
  second.kill("SIGCONT");
  await assertLost(second, /another folder lies there now\n$/);
  assertEquals(contentsOf(lab.of("run")), before);
  await lab.assertEnded("run", { state });
  await lab.finish(["--resume=moved"]);
  await lab.assertEnded("moved", { state });
});

Deno.test("a run that was stopped while another one went on in its folder ends with 73", async () => {
  using lab = new Lab();
  const state = await golden("gpt");
  const stopped = await startSlow(lab);
  stopped.kill("SIGSTOP");
  Deno.removeSync(lab.of("run/.lock"));
  await lab.finish(["--resume=run"]);
  const before = contentsOf(lab.of("run"));
  stopped.kill("SIGCONT");
  await assertLost(stopped, /its \.lock was replaced\n$/);
  assertEquals(contentsOf(lab.of("run")), before);
  await lab.assertEnded("run", { state });
});

Deno.test("a sweep whose folder was moved ends with 73, and its trials with it", async () => {
  using place = new Place();
  const axes = { "optim.lr": [1e-3, 1e-2] };
  const file = sweepFile(place, { ...TINY, axes, base: { ...TINY.base, steps: 20_000 } });
  const sweep = startSweep(place, [file, "--out=s", "--parallel=1"]);
  const ended = sweep.output();
  const journal = () => {
    try {
      return Deno.readTextFileSync(place.of("s/sweep.jsonl"));
    } catch {
      return ""; // It is not there yet.
    }
  };
  while (!journal().includes('"start"')) await pause(20);
  Deno.renameSync(place.of("s"), place.of("moved"));
  const { code, stderr } = await ended;
  const said = withoutStatus(new TextDecoder().decode(stderr));
  assertEquals(code, EXIT.locked, said);
  assertMatch(said, /^error: Cannot write to s: need the folder [^\n]+\n$/);
  assert(!Array.from(Deno.readDirSync(place.path), ({ name }) => name).includes("s"));
  place.assertQuiet();
});
