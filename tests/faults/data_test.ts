/** What damaged data does to a run: it ends with a name and an offset, and nothing it had is lost. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { EXIT } from "../../src/base/refusal.ts";
import { runCommand } from "../e2e/command.ts";
import { textOf } from "../e2e/text.ts";
import { args, Lab, stepLine, STEPS } from "./support.ts";

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
  // In place, as a failing disk does: the workers have the file open.
  using file = Deno.openSync(shard, { read: true, write: true });
  file.seekSync(128, Deno.SeekMode.Start);
  file.writeSync(good.slice(128, -1000).map((byte) => byte ^ 2));
  const { code, stderr } = await running.ended;
  assertEquals(code, EXIT.data);
  assertMatch(
    stderr,
    /^error: [^\n]*train-00000\.tokens: its block \d+ \(bytes \d+ to \d+\)[^\n]*\n$/,
  );
  Deno.writeFileSync(shard, good);
  await lab.succeed(["--resume=run"]);
  await lab.assertEnded("run", { state: lab.stateHash("whole"), steps: STEPS });
});
