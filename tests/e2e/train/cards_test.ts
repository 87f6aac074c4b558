/** Runs whose workers are told their cards: software drivers stand for cards. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { eightNvidia } from "../../cards/fixture.ts";
import { onGpu } from "../../support/gpu.ts";
import { ONE_DRIVER, TWO_DRIVERS, withTwoDrivers } from "../../support/swiftshader.ts";
import { assertOneLine, assertRefused } from "../refusals.ts";
import { runCommand } from "../command.ts";
import { Place, tinyArgs } from "../support.ts";

/** Arguments of a tiny run whose cards say how many workers there are. */
function cardArgs(out: string, ...more: string[]): string[] {
  return tinyArgs(out).filter((word) => !word.startsWith("--workers=")).concat(more);
}

/** Lines of a run's journal that say who computes where. */
function cardsIn(place: Place, run: string): string[] {
  return Deno.readTextFileSync(place.of(`${run}/journal.jsonl`)).trim().split("\n")
    .map((line) => JSON.parse(line)).filter(({ kind }) => kind === "card")
    .map(({ slot, card }) => `${slot}: ${card}`).sort();
}

Deno.test({
  ...withTwoDrivers(
    "--gpus puts each worker on its card, one worker for each, or as many as it names",
  ),
  async fn(t) {
    using place = new Place();
    const run = async (out: string, ...more: string[]) => {
      const ended = await place.run(cardArgs(out, ...more), TWO_DRIVERS);
      assertEquals([ended.code, ended.stderr], [0, ""]);
      place.assertQuiet();
      return { ...ended, adapter: String(place.json(`${out}/summary.json`)["adapter"]) };
    };
    await t.step("one card", async () => {
      const { adapter, stdout } = await run("one", "--gpus=0", "--steps=2");
      assertMatch(adapter, /^SwiftShader/);
      assertMatch(stdout, /^worker 0 computes on card 0 \(SwiftShader Device \(Subzero\)\)$/m);
    });
    await t.step("two workers that share a card, as they were told", async () => {
      const { adapter } = await run("two", "--gpus=1,1");
      assertMatch(adapter, /^llvmpipe/);
      assertEquals(place.json("two/summary.json")["workers"], 2);
      assertEquals(cardsIn(place, "two").map((line) => line.slice(0, 13)), [
        "0: 1 (llvmpip",
        "1: 1 (llvmpip",
      ]);
    });
    await t.step("which changes no bit", async () => {
      const ended = await place.run(tinyArgs("plain", "--device=webgpu"), ONE_DRIVER);
      assertEquals([ended.code, ended.stderr], [0, ""]);
      assertEquals(place.stateHash("two"), place.stateHash("plain"));
      assertEquals(cardsIn(place, "plain"), []);
    });
    await t.step("what cannot be is refused in a line", async () => {
      const refused = (args: string[], ...says: string[]) =>
        assertRefused(place, {
          args: cardArgs("never", ...args),
          exit: "config",
          says,
          env: TWO_DRIVERS,
        });
      await refused(["--gpus=0,1"], "different models", "SwiftShader", "llvmpipe");
      await refused(["--gpus=0,2"], 'card "2"');
      await refused(["--gpus=1", "--workers=2"], "2 workers", "--gpus=0,0");
      await refused(["--gpus=1,"], "gpus: need numbers of cards");
    });
  },
});

Deno.test(onGpu("a run with cards takes no more workers than it has cards for"), async () => {
  using place = new Place();
  const running = place.start(
    cardArgs("run", "--gpus=0,0", "--steps=100000", "--checkpoint.every=50000"),
  );
  await running.line(/^step +2\//);
  const more = await runCommand("workers", ["run", "+1"], { cwd: place.path });
  assertOneLine(more, {
    exit: "config",
    says: ["Cannot go on with 3 workers", "--gpus gave 2"],
  });
  const fewer = await runCommand("workers", ["run", "-1"], { cwd: place.path });
  assertEquals([fewer.code, fewer.stderr], [0, ""]);
  running.kill("SIGTERM");
  assertEquals((await running.ended).code, 0);
  place.assertQuiet();
});

Deno.test(
  onGpu(
    "cards that nvidia-smi lists and Vulkan does not see are told of, and refused where asked for",
  ),
  async () => {
    using place = new Place();
    Deno.mkdirSync(place.of("bin"));
    place.write("bin/nvidia-smi", `#!/bin/sh\ncat <<'END'\n${eightNvidia()}END\n`);
    Deno.chmodSync(place.of("bin/nvidia-smi"), 0o755);
    const path = `${place.of("bin")}:${Deno.env.get("PATH")}`;
    await assertRefused(place, {
      args: cardArgs("never", "--gpus=0"),
      exit: "noDevice",
      says: ["nvidia-smi lists 0 (NVIDIA H200, 0000:18:00.0), 1 (", "which Vulkan does not see"],
      env: { PATH: path },
    });
    assert(place.processes().length === 0);
  },
);
