/** Values that are not finite, and diverged replicas: the guard's decisions and their records. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { EXIT } from "../../src/base/user_error.ts";
import { loadNewest } from "../../src/checkpoint/load.ts";
import { assertReplayed, poison, stepsOf } from "./support/replay.ts";
import { namesIn } from "../e2e/support.ts";
import { args, golden, Lab } from "./support/support.ts";

Deno.test("19: lstm: a gradient that is NaN once is computed again, counted as the machine's fault, and costs no bit", async () => {
  using lab = new Lab();
  const state = await golden("lstm");
  await lab.finish(args("lstm", "run", "--workers=2", ...lab.faults(...poison(1, 2))));
  const actions = lab.journal("run", "guard").map(({ step, action }) => [step, action]);
  assertEquals(actions, [[10, "again"], [10, "transient"]]);
  await lab.assertEnded("run", { state });
});

Deno.test("20: gpt: numbers that are never finite again end a run with 76; its good checkpoint stays, the ruined one is set aside", async () => {
  using lab = new Lab();
  const line = ["--workers=2", "--optim.lr=1e8", "--optim.warmup_steps=12", "--checkpoint.every=1"];
  const { code, stderr } = await lab.run(args("gpt", "run", ...line, "--checkpoint.keep=1"));
  assertEquals(code, EXIT.numerical);
  assertMatch(
    stderr,
    /^error: Training diverged in step 3: loss NaN.*; lower optim\.lr, .*: step 1 is the newest good checkpoint\n$/,
  );
  const root = lab.of("run/checkpoints");
  assertEquals(namesIn(root), ["step-00000001", "step-00000002.ruined"]);
  const { manifest } = await loadNewest(root, { onSkip: () => assert(false) });
  assertEquals(manifest.step, 1);
  await lab.assertSettled("run");
});

Deno.test("20: gpt: policy skip passes over so many steps and ends with 76", async () => {
  using lab = new Lab();
  const line = args("gpt", "run", "--optim.lr=1e30", "--guard.policy=skip", "--guard.max_skips=3");
  const { code, stderr } = await lab.run(line);
  assertEquals(code, EXIT.numerical);
  assertMatch(stderr, /3 skips used|guard\.max_skips \(3\)/);
  const skips = lab.journal("run", "skip");
  assertEquals(skips.length, 3);
  const first = Number(skips[0]?.["step"]);
  assertEquals(skips.map(({ step }) => step), [first, first + 1, first + 2]);
  assertEquals(stepsOf(lab, "run").length, first);
  lab.assertQuiet();
});

Deno.test("20: gpt: a run that is killed after it passed over a step passes over it again", () =>
  assertReplayed("gpt", "skip"));

Deno.test("gpt: a bit that flips in one replica is noticed at the next comparison, and all go back", async () => {
  using lab = new Lab();
  const state = await golden("gpt");
  const flip = { at: { step: 9, rank: 1, point: "apply" }, do: "flip" };
  const line = args("gpt", "run", "--workers=3", "--guard.hash_every=4", ...lab.faults(flip));
  await lab.finish(line);
  const [drift] = lab.journal("run", "drift");
  assertEquals([drift?.["step"], drift?.["odd"]], [12, [1]]);
  assertEquals(lab.journal("run", "rewind").map(({ from, to }) => [from, to]), [[12, 8]]);
  await lab.assertEnded("run", { state });
});
