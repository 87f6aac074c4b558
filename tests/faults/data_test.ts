/** Damaged data: the run ends with the file's name and offset, and its state is saved. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { EXIT } from "../../src/base/user_error.ts";
import { stepName } from "../../src/checkpoint/names.ts";
import { runCommand } from "../e2e/command.ts";
import { namesIn } from "../e2e/support.ts";
import { textOf } from "../e2e/text.ts";
import { args, Lab, stepLine, STEPS } from "./support/support.ts";

/** A prepared folder `data` whose shard has some sixty blocks. */
async function prepared(): Promise<Lab> {
  const lab = new Lab();
  lab.write("long.txt", textOf(3, 2_000_000));
  const words = ["long.txt", "--out=data", "--tokenizer=char"];
  const { code, stderr } = await runCommand("prepare", words, { cwd: lab.path });
  assertEquals([code, stderr], [0, ""]);
  return lab;
}

const onShards = (out: string, ...more: readonly string[]) =>
  args("gpt", out, "--data=data", "--workers=2", ...more);

Deno.test("17: a token that changes before a run is named before anything starts", async () => {
  using lab = await prepared();
  const bytes = Deno.readFileSync(lab.of("data/train-00000.tokens"));
  bytes[1_000_001] = (bytes[1_000_001] as number) ^ 1;
  lab.write("data/train-00000.tokens", bytes);
  const { code, stderr } = await lab.run(onShards("run"));
  assertEquals(code, EXIT.data);
  assertMatch(
    stderr,
    /^error: [^\n]*train-00000\.tokens: its block 15 \(bytes 983168 to 1048704\)/,
  );
  assert(![...Deno.readDirSync(lab.path)].some(({ name }) => name === "run"));
});

Deno.test("17: tokens that change during a run end it, and put right it goes on to the same bits", async () => {
  using lab = await prepared();
  await lab.succeed(onShards("whole"));
  const shard = lab.of("data/train-00000.tokens");
  const good = Deno.readFileSync(shard);
  const running = lab.start(onShards("run"));
  await running.line(stepLine(2));
  // In place, as by a failing disk: the workers have the file open.
  using file = Deno.openSync(shard, { read: true, write: true });
  file.seekSync(128, Deno.SeekMode.Start);
  file.writeSync(good.slice(128, -1000).map((byte) => byte ^ 2));
  const { code, stderr } = await running.ended;
  assertEquals(code, EXIT.data);
  assertSaved(lab, stderr);
  Deno.writeFileSync(shard, good);
  await lab.succeed(["--resume=run"]);
  await lab.assertEnded("run", { state: lab.stateHash("whole"), steps: STEPS });
});

/** Checks the error of a run with damaged tokens; returns the saved step. */
function assertSaved(lab: Lab, stderr: string): number {
  const line =
    /^error: [^\n]*train-00000\.tokens: its block \d+ \(bytes \d+ to \d+\) [^\n]*; step (\d+) is saved: [^\n]+\n$/;
  assertMatch(stderr, line);
  const step = Number(line.exec(stderr)?.[1]);
  const lines = Deno.readTextFileSync(lab.of("run/metrics.jsonl")).trim().split("\n");
  const steps = lines.map((each) => JSON.parse(each)).filter(({ loss }) => loss !== undefined);
  assertEquals(step, steps.at(-1).step);
  assert(namesIn(lab.of("run/checkpoints")).includes(stepName(step)));
  lab.assertQuiet();
  return step;
}

Deno.test("17: tokens that change after they were read end a run, and no step is trained on them", async () => {
  using lab = new Lab();
  const words = ["text.txt", "--out=data", "--tokenizer=char"];
  assertEquals((await runCommand("prepare", words, { cwd: lab.path })).code, 0);
  using file = Deno.openSync(lab.of("data/train-00000.tokens"), { read: true, write: true });
  const line = ["--steps=3000", "--eval.every=0", "--checkpoint.every=0", "--workers=1"];
  const running = lab.start(onShards("run", ...line));
  await running.line(stepLine(3));
  // Valid tokens swap positions, so each is plausible. All are read in each epoch.
  const tokens = new Uint16Array(2000);
  const put = (from: Uint16Array) => {
    file.seekSync(128, Deno.SeekMode.Start);
    file.writeSync(new Uint8Array(from.buffer));
  };
  file.seekSync(128, Deno.SeekMode.Start);
  file.readSync(new Uint8Array(tokens.buffer));
  put(tokens.toReversed());
  const { code, stderr } = await running.ended;
  assertEquals(code, EXIT.data);
  const steps = assertSaved(lab, stderr) + 4;
  put(tokens);
  await lab.succeed(["--resume=run", `--steps=${steps}`]);
  await lab.succeed(onShards("whole", ...line, `--steps=${steps}`));
  assertEquals(lab.stateHash("run"), lab.stateHash("whole"));
});
