/**
 * A run's code or data change on disk while it trains, and workers are lost: their replacements
 * are refused, and no other bits are ever saved.
 */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { EXIT } from "../../src/base/user_error.ts";
import { runCommand } from "../e2e/command.ts";
import { copyCheckout, type Running } from "../e2e/support.ts";
import { textOf } from "../e2e/text.ts";
import { args, golden, Lab, stepLine } from "./support/support.ts";

const FORMULAS = "src/nn/formulas.ts";

/** Timeout of a run, ms: several processes start one after the other. */
const limit = 120_000;

/** Replaces a text in a file, which must hold it. */
function replace(path: string, from: string, to: string): void {
  const text = Deno.readTextFileSync(path);
  assert(text.includes(from), `${path} must hold ${from}`);
  Deno.writeTextFileSync(path, text.replace(from, to));
}

/** Kills the workers of a run, or the oldest ones. */
function killWorkers(lab: Lab, running: Running, count = Infinity): void {
  const workers = lab.processes().filter((pid) => pid !== running.pid).sort((a, b) => a - b);
  for (const pid of workers.slice(0, count)) {
    try {
      Deno.kill(pid, "SIGKILL");
    } catch {
      // It was refused and has ended.
    }
  }
}

/** Why workers were refused. */
const turnedAway = (lab: Lab) => lab.journal("run", "turned_away").map(({ reason }) => reason);

Deno.test("a formula that changes on disk reaches no run: replacements are turned away, with nobody left it ends with 78, put right it goes on to the same bits", async () => {
  using lab = new Lab({ limit });
  const checkout = copyCheckout(lab.of("checkout"));
  const line = args("gpt", "run", "--workers=2", "--steps=20000", "--eval.every=0");
  const running = lab.start(line, {}, checkout);
  await running.line(stepLine(8));
  replace(checkout + FORMULAS, "0.044715", "0.05");
  killWorkers(lab, running, 1);
  const said = `code: ${FORMULAS} changed on disk`;
  await running.line(/^Worker 3 differs from the run and is turned away: .*; no other is started/);
  assertEquals(turnedAway(lab), [said, said]);
  killWorkers(lab, running);
  const { code, stderr } = await running.ended;
  assertEquals(code, EXIT.incompatible);
  assertEquals(turnedAway(lab), [said, said, said, said]);
  assertMatch(stderr, /^error: Cannot go on: no worker is left that is as the run is: .*\n$/);
  assertStringIncludes(stderr, ` differs from the run: ${said}; put back what was changed`);
  const [, step = ""] = /go on from step (\d+) with --resume=run\n$/.exec(stderr) ?? [];
  replace(checkout + FORMULAS, "0.05", "0.044715");
  const steps = Number(step) + 8;
  const resumed = await lab.start(["--resume=run", `--steps=${steps}`], {}, checkout).ended;
  assertEquals([resumed.code, resumed.stderr], [0, ""]);
  const state = await golden("gpt", `--steps=${steps}`, "--eval.every=0");
  await lab.assertEnded("run", { state, steps });
});

Deno.test("code that no longer loads costs no restarts: starts that fail by it are turned away, with nobody left it ends with 78", async () => {
  using lab = new Lab({ limit });
  const checkout = copyCheckout(lab.of("checkout"));
  const cells = "kernels/recurrence/cells.ts";
  const line = args("gpt", "run", "--workers=2", "--steps=20000", "--eval.every=0");
  const running = lab.start(line, {}, checkout);
  await running.line(stepLine(8));
  replace(checkout + cells, "tanh", "no_such_name");
  killWorkers(lab, running, 1);
  await running.line(/^Worker 3 differs from the run and is turned away: .*; no other is started/);
  killWorkers(lab, running);
  const { code, stderr } = await running.ended;
  assertEquals(code, EXIT.incompatible);
  const said = `code: ${cells} changed on disk`;
  assertEquals(turnedAway(lab), Array(4).fill(said));
  assertMatch(stderr, /^error: Cannot go on: no worker is left that is as the run is: .*\n$/);
  assertStringIncludes(stderr, `${said}; put back what was changed`);
});

Deno.test("a prepared folder that another of equal length replaces is read by no worker that joins later", async () => {
  using lab = new Lab({ limit });
  const text = textOf(3, 40_000);
  const other = text.replaceAll(/[ae]/g, (letter) => letter === "a" ? "e" : "a");
  for (const [name, content] of [["data", text], ["other", other]] as const) {
    lab.write(`${name}.txt`, content);
    const words = [`${name}.txt`, `--out=${name}`, "--tokenizer=byte"];
    assertEquals((await runCommand("prepare", words, { cwd: lab.path })).code, 0);
  }
  const size = (name: string) => Deno.statSync(lab.of(`${name}/train-00000.tokens`)).size;
  assertEquals(size("data"), size("other"));
  const line = (out: string, steps: number, workers: number) =>
    args("gpt", out, "--data=data", `--steps=${steps}`, `--workers=${workers}`, "--eval.every=0");
  const running = lab.start(line("run", 20_000, 2));
  await running.line(stepLine(4));
  Deno.renameSync(lab.of("data"), lab.of("data-before"));
  Deno.renameSync(lab.of("other"), lab.of("data"));
  killWorkers(lab, running, 1);
  await running.line(/^Worker 2 differs from the run and is turned away: data: \w+ against \w+/);
  running.kill("SIGTERM");
  const { code, stdout } = await running.ended;
  assertEquals(code, 0);
  const [, step = ""] = /^Stopped at step (\d+)/m.exec(stdout) ?? [];
  Deno.renameSync(lab.of("data"), lab.of("other"));
  Deno.renameSync(lab.of("data-before"), lab.of("data"));
  await lab.succeed(line("whole", Number(step), 1));
  await lab.assertEnded("run", { state: lab.stateHash("whole"), steps: Number(step) });
});
