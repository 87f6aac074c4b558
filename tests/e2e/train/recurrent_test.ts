/** The promise holds where states are carried: lanes keep their states whoever computes them. */
import { assertEquals, assertMatch } from "@std/assert";
import { Place, ROOT } from "../support.ts";

const STEPS = 40;

/** A small run of configs/lstm_char.ts: lanes of a few windows, so that some begin anew. */
function lstmArgs(out: string, ...more: readonly string[]): string[] {
  return [
    ROOT + "configs/lstm_char.ts",
    "--data=text.txt",
    `--out=${out}`,
    `--steps=${STEPS}`,
    "--micro_batch_size=2",
    "--data.bptt=16",
    "--model.width=12",
    "--model.layers=2",
    "--model.dropout=0.2",
    "--eval.every=0",
    "--eval.windows=8",
    "--report.sample_length=0",
    "--checkpoint.every=10",
    ...more,
  ];
}

Deno.test("a recurrent run has one state, however many workers and stops", async (t) => {
  using place = new Place();
  await place.succeed(lstmArgs("one"));
  const straight = place.stateHash("one");
  assertMatch(String(straight), /^[0-9a-f]{64}$/);
  for (const workers of [2, 4]) {
    await t.step(`${workers} workers`, async () => {
      await place.succeed(lstmArgs(`by${workers}`, `--workers=${workers}`));
      assertEquals(place.stateHash(`by${workers}`), straight);
    });
  }
  await t.step("4 workers for half of the steps, 1 for the rest", async () => {
    await place.succeed(lstmArgs("half", "--workers=4", `--steps=${STEPS / 2}`));
    await place.succeed(["--resume=half", "--workers=1", `--steps=${STEPS}`]);
    assertEquals(place.stateHash("half"), straight);
  });
  await t.step("SIGTERM, then resume", async () => {
    const running = place.start(lstmArgs("term", "--workers=2"));
    await running.line(/^step +10\//);
    running.kill("SIGTERM");
    assertEquals((await running.ended).code, 0);
    await place.succeed(["--resume=term", "--workers=3"]);
    assertEquals(place.stateHash("term"), straight);
  });
  await t.step("another number of lanes is refused by its key", async () => {
    const { code, stderr } = await place.run([
      "--resume=one",
      "--micro_batch_size=4",
      "--steps=80",
    ]);
    assertEquals(code, 78);
    assertMatch(
      stderr,
      /^error: Cannot resume with another config .*micro_batch_size: 2 against 4\n$/,
    );
  });
});
