/** What a run leaves behind for people and programs, and what it prints when nobody watches. */
import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertGreater,
  assertMatch,
  assertStringIncludes,
} from "@std/assert";
import { resolveConfig } from "../../src/config/resolve.ts";
import { assertStepsOnce, metricsOf } from "./metrics.ts";
import { contents } from "./refusals.ts";
import { namesIn, Place, SAMPLES, tinyArgs, withoutStatus } from "./support.ts";

const TOKENS_PER_STEP = 4 * 2 * 32; // micro-batches, windows, window

Deno.test("a run leaves records of all it did", async (t) => {
  using place = new Place();
  const { stdout } = await place.succeed(tinyArgs("run", "--workers=2", "--eval.every=2", SAMPLES));
  const { steps, evals } = metricsOf(place.of("run/metrics.jsonl"));
  const summary = place.json("run/summary.json");

  await t.step("its folder holds what it should and nothing else", () => {
    assertEquals(namesIn(place.of("run")), [
      ".lock",
      "checkpoints",
      "config.json",
      "journal.jsonl",
      "metrics.jsonl",
      "samples.jsonl",
      "summary.json",
    ]);
    assertEquals(namesIn(place.of("run/checkpoints")), ["step-00000004", "step-00000006"]);
  });

  await t.step("metrics.jsonl has every step once, and every evaluation", () => {
    assertStepsOnce(place.of("run/metrics.jsonl"), 6);
    assertEquals(steps.map((line) => line["tokens"]), steps.map((_, i) => (i + 1) * 256));
    assertEquals(evals.map((line) => line["step"]), [2, 4, 6]);
    for (const { loss, lr, grad_norm, tokens_per_s } of steps) {
      for (const value of [loss, lr, grad_norm, tokens_per_s]) assertGreater(value, 0);
    }
  });

  await t.step("the loss starts near that of a uniform guess and falls", () => {
    const vocabulary = new Set(Deno.readTextFileSync(place.of("text.txt"))).size;
    assertAlmostEquals(steps[0]?.["loss"] ?? 0, Math.log(vocabulary), 0.15 * Math.log(vocabulary));
    assertGreater(steps[0]?.["loss"], steps[5]?.["loss"]);
  });

  await t.step("summary.json agrees with the last lines of the metrics", () => {
    const { loss, val_loss, tokens, params, workers, adapter, state_hash } = summary;
    assertEquals(summary["steps"], 6);
    assertEquals(loss, steps.at(-1)?.["loss"]);
    assertEquals(val_loss, evals.at(-1)?.["val_loss"]);
    assertEquals([tokens, workers], [6 * TOKENS_PER_STEP, 2]);
    assertGreater(summary["tokens_per_s"], 0);
    assertGreater(params, 0);
    assertMatch(String(adapter), /^cpu$|\S via (Vulkan|Metal)$/);
    assertMatch(String(state_hash), /^[0-9a-f]{64}$/);
  });

  await t.step("the newest checkpoint is of the state that the summary names", () => {
    const manifest = place.json("run/checkpoints/step-00000006/manifest.json");
    assertEquals(manifest["stateHash"], summary["state_hash"]);
    assertEquals(manifest["config"], place.json("run/config.json"));
  });

  await t.step("the output is plain lines", () => {
    for (const control of ["\r", "\x1b"]) assertEquals(stdout.includes(control), false);
    assertEquals(stdout.at(-1), "\n");
    const lines = stdout.split("\n");
    for (let step = 1; step <= 6; step++) {
      assertEquals(lines.filter((line) => line.startsWith(`step ${step}/6 `)).length, 1);
    }
    assert(lines.includes(`state ${summary["state_hash"]}`));
  });

  await t.step(
    "it begins with a short header, and with the keys that are not as by default",
    () => {
      const header = withoutStatus(stdout).split("\n\n", 1)[0]?.split("\n") ?? [];
      const names = header.map((line) => line.split(" ", 1)[0]);
      assertEquals(names, ["run", "model", "data", "steps", "folder", "keys"]);
      assertMatch(header[0] ?? "", /^run +smoke$/);
      assertMatch(header[2] ?? "", /^data +text\.txt: \S+ tokens to train, \S+ to validate/);
      assertMatch(header[4] ?? "", /^folder +run$/);
      assertStringIncludes(header[5] ?? "", " eval.every=2 eval.windows=4 ");
      assertEquals(header[5]?.includes("recovery."), false);
    },
  );

  await t.step(
    "--print-config prints the whole config, as it is stored, and trains nothing",
    async () => {
      const args = tinyArgs("run", "--workers=2", "--eval.every=2", SAMPLES, "--print-config");
      const before = contents(place.of("run"));
      const printed = await place.succeed(args);
      assertEquals(JSON.parse(printed.stdout), place.json("run/config.json"));
      assertEquals(contents(place.of("run")), before);
      const other = await place.succeed(tinyArgs("other", "--print-config"));
      assertMatch(JSON.parse(other.stdout).out, /(^|\/)other$/);
      assertEquals(namesIn(place.path).includes("other"), false);
    },
  );

  await t.step("config.json is complete, and runs to the same state", async () => {
    const config = place.json("run/config.json");
    assertEquals<unknown>(resolveConfig(config), config);
    await place.succeed(["run/config.json", "--out=again"]);
    assertEquals(place.stateHash("again"), summary["state_hash"]);
    assertEquals(place.json("again/config.json"), { ...config, out: place.of("again") });
  });

  await t.step("resuming a run that is done says so and changes nothing", async () => {
    const before = contents(place.of("run"));
    const { stdout } = await place.succeed(["--resume=run", "--workers=1"]);
    assertEquals(
      withoutStatus(stdout),
      "Nothing left to train: run has finished step 6; " +
        "a larger number of steps goes on, as --steps=12\n",
    );
    assertEquals(contents(place.of("run")), before);
  });
});

Deno.test("--help lists flags and keys, and starts nothing", async () => {
  using place = new Place();
  const before = namesIn(place.path);
  const { code, stdout, stderr } = await place.run(["--help"]);
  assertEquals([code, stderr], [0, ""]);
  for (const key of ["--resume", "--data", "--model.width", "--optim.lr", "--checkpoint.every"]) {
    assert(stdout.includes(`  ${key} `), `${key} is missing`);
  }
  assertEquals(namesIn(place.path), before);
  place.assertQuiet();
});
