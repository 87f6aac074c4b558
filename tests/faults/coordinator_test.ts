/**
 * The coordinator dies or is stopped, another run uses its folder, the world size changes: the run
 * continues to the same bits. The folder `full` has the same at many more points.
 */
import { assert, assertEquals, assertLess, assertStringIncludes } from "@std/assert";
import { EXIT } from "../../src/base/user_error.ts";
import { namesIn } from "../e2e/support.ts";
import { assertOneLine, assertRefused } from "../e2e/refusals.ts";
import { assertStopsAreKept } from "./support/stops.ts";
import { shell } from "./support/proc.ts";
import { args, golden, Lab, stepLine, STEPS } from "./support/support.ts";
import { changeWorkers } from "./support/elastic.ts";

Deno.test("9: lstm: SIGKILL of the coordinator ends all workers within 2 s, and resume gives the same bits", async () => {
  using lab = new Lab();
  const state = await golden("lstm");
  const running = lab.start(args("lstm", "run", "--workers=3"));
  await running.line(stepLine(13));
  assertEquals(lab.processes().length, 1 + 3);
  running.kill("SIGKILL");
  assertLess(await lab.untilGone(), 2000);
  assertEquals((await running.ended).stderr, "");
  lab.assertQuiet();
  await lab.finish(["--resume=run", "--workers=2"]);
  await lab.assertEnded("run", { state });
});

Deno.test("a run that is killed with all its workers leaves nothing that the next one does not remove", async () => {
  using lab = new Lab();
  const killed = lab.start(args("gpt", "killed", "--workers=2"));
  await killed.line(stepLine(5));
  Deno.writeTextFileSync(lab.of("killed/.control.tmp"), '{"socket":"/half');
  // At once: the shell sends all signals before any target is scheduled.
  shell(`kill -9 ${lab.processes().join(" ")}`);
  await killed.ended;
  await lab.untilGone();
  const [left] = namesIn(lab.of("tmp"));
  assert(left !== undefined, "nothing was left: the test shows nothing");
  assert(namesIn(lab.of("killed")).includes(".control"));
  // Another run of the same user.
  await lab.succeed(args("gpt", "other", "--steps=2"));
  assertEquals(namesIn(lab.of("tmp")), []);
  await lab.finish(["--resume=killed"]);
  await lab.assertEnded("killed", { state: await golden("gpt") });
});

Deno.test("18: a resume with another tokenizer is refused with 78, and nothing is touched", async () => {
  using lab = new Lab();
  await lab.finish(args("gpt", "run"));
  await assertRefused(lab, {
    args: ["--resume=run", "--data.tokenizer=byte", `--steps=${STEPS + 8}`],
    exit: "incompatible",
    says: ["data.tokenizer", "null", "byte"],
  });
});

Deno.test("27: a second run in one folder ends with 73 and names process and host; a lock of the dead is taken over", async () => {
  using lab = new Lab();
  const state = await golden("gpt");
  const first = lab.start(args("gpt", "run", "--workers=2", "--checkpoint.every=4"));
  await first.line(/^saved /);
  first.kill("SIGSTOP"); // the run is under way for as long as the others try
  for (const line of [args("gpt", "run"), ["--resume=run"]]) {
    const second = await lab.run(line);
    const says = [`run is in use by process ${first.pid} on ${Deno.hostname()}`];
    assertOneLine(second, { exit: "locked", says });
    assertEquals(second.code, EXIT.locked);
  }
  first.kill("SIGKILL");
  await first.ended;
  await lab.untilGone();
  assertStringIncludes(Deno.readTextFileSync(lab.of("run/.lock")), String(first.pid));
  await lab.finish(["--resume=run"]);
  await lab.assertEnded("run", { state });
});

Deno.test("28: signals at random moments end with a checkpoint, and resume gives the same bits", async () => {
  using lab = new Lab();
  await assertStopsAreKept(lab, "gpt", { times: 4, seed: 28 });
});

Deno.test("29: gpt: workers that come and go while the run goes on change no bit", async () => {
  using lab = new Lab();
  const more = ["--steps=72", "--eval.every=0"];
  const state = await golden("gpt", ...more);
  // Steps of this model are done long before a process is: each waits, so that there are some left.
  const slow = Array.from({ length: 72 }, (_, step) => ({
    at: { step, rank: 0, point: "forward" },
    do: "delay",
    ms: 60,
  }));
  const running = lab.start(args("gpt", "run", "--workers=1", ...more, ...lab.faults(...slow)));
  await running.line(stepLine(4));
  const answers = [];
  for (const [change, step] of [["3", 32], ["+1", 48], ["-1", 60]] as const) {
    answers.push(await changeWorkers(lab, "run", change));
    await running.line(stepLine(step));
  }
  const { code, stderr } = await running.ended;
  assertEquals([code, stderr], [0, ""]);
  assertEquals(answers, [
    "3 workers are wanted instead of 1\n",
    "4 workers are wanted instead of 3\n",
    "3 workers are wanted instead of 4\n",
  ]);
  const reasons = lab.journal("run", "membership").map(({ reason }) => String(reason));
  const sizes = reasons.filter((reason) => reason.startsWith("attempt "))
    .map((reason) => reason.split(", ").length);
  assert(Math.max(...sizes) >= 3, `formations of ${sizes}`);
  await lab.assertEnded("run", { state, steps: 72 });
});
