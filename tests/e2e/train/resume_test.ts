/** Going on with a run: what is refused, and what is mended on the way. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { assertStepsOnce } from "../metrics.ts";
import { assertOneLine, assertRefused, contents } from "../refusals.ts";
import { Place, SMOKE, tinyArgs } from "../support.ts";
import { textOf } from "../text.ts";

/** Copies a folder of the place. */
function copy(place: Place, from: string, to: string): void {
  Deno.mkdirSync(place.of(to));
  for (const { name, isDirectory } of Deno.readDirSync(place.of(from))) {
    if (isDirectory) copy(place, `${from}/${name}`, `${to}/${name}`);
    else Deno.copyFileSync(place.of(`${from}/${name}`), place.of(`${to}/${name}`));
  }
}

/** Flips one bit in the middle of a file. */
function damage(path: string): void {
  const bytes = Deno.readFileSync(path);
  const middle = bytes.length >> 1;
  bytes[middle] = (bytes[middle] ?? 0) ^ 1;
  Deno.writeFileSync(path, bytes);
}

Deno.test("a run that cannot be gone on with is refused and left as it is", async (t) => {
  using place = new Place();
  await place.succeed(tinyArgs("run", "--steps=4"));
  place.write("other.txt", textOf(2, 4000));
  Deno.mkdirSync(place.of("bare"));
  for (const name of ["hollow", "early"]) {
    copy(place, "run", name);
    Deno.removeSync(place.of(`${name}/checkpoints`), { recursive: true });
  }
  Deno.removeSync(place.of("early/summary.json"));
  const journal = Deno.readTextFileSync(place.of("early/journal.jsonl")).split("\n");
  const saved = journal.findIndex((line) => line.includes('"kind":"saved"'));
  place.write("early/journal.jsonl", journal.slice(0, saved).map((line) => line + "\n").join(""));
  const refused = (name: string, args: readonly string[], says: readonly string[]) =>
    t.step(name, () => assertRefused(place, { args, exit: "config", says }));

  await refused("a folder that does not exist", ["--resume=none"], ["Cannot resume none"]);
  await refused("a folder without a run", ["--resume=bare"], ["bare", "config.json is missing"]);
  await t.step(
    "a run that was killed before its first checkpoint begins at its start",
    async () => {
      const recorded = Deno.readTextFileSync(place.of("early/metrics.jsonl"));
      const { stdout } = await place.succeed(["--resume=early"]);
      assert(stdout.includes("No checkpoint is in early yet: beginning at step 0\n"), stdout);
      assertEquals(place.stateHash("early"), place.stateHash("run"));
      assertEquals(Deno.readTextFileSync(place.of("early/metrics.jsonl.1")), recorded);
    },
  );
  await t.step(
    "one whose checkpoints are gone is refused whenever it is tried, and begins anew when asked",
    async () => {
      for (let i = 0; i < 2; i++) {
        await assertRefused(place, {
          args: ["--resume=hollow"],
          exit: "incompatible",
          says: ["Cannot resume hollow", "step 4 was saved", "--restart=hollow"],
        });
      }
      await place.succeed(["--restart=hollow"]);
      assertEquals(place.stateHash("hollow"), place.stateHash("run"));
    },
  );
  await refused("a folder that does not exist, with a config", [SMOKE, "--resume=none"], [
    "Cannot resume none",
  ]);
  await refused("--resume with --out", ["--resume=run", "--out=new"], ["leave --out away"]);
  await refused("a new run where one stands", tinyArgs("run"), [
    "Cannot start in run: it holds a run already",
    "--resume=run",
  ]);

  await t.step(
    "another config: the line names the keys that differ, and only those",
    () =>
      assertRefused(place, {
        args: ["--resume=run", "--optim.lr=0.1", "--model.layers=2", "--steps=6", "--workers=2"],
        exit: "incompatible",
        says: [
          "(checkpoint against now): model.layers: 1 against 2; optim.lr: 0.003 against 0.1\n",
        ],
      }),
  );
  await t.step("another text", () =>
    assertRefused(place, {
      args: ["--resume=run", "--data=other.txt", "--steps=6"],
      exit: "incompatible",
      says: ["the text (data.path) must be the one that was trained on"],
    }));
});

Deno.test("a damaged checkpoint is said, set aside, and fallen back from", async (t) => {
  using place = new Place();
  await place.succeed(tinyArgs("run", "--steps=4"));
  await place.succeed(tinyArgs("straight"));
  const straight = place.stateHash("straight");
  const parts = ["model.safetensors", "optimizer.safetensors", "manifest.json"];
  for (const part of parts) {
    await t.step(`one bit of ${part} in the newest`, async () => {
      const run = part.replace(/\..*/, "");
      copy(place, "run", run);
      damage(place.of(`${run}/checkpoints/step-00000004/${part}`));
      const { stdout } = await place.succeed([`--resume=${run}`, "--steps=6", "--workers=2"]);
      assertStringIncludes(stdout, `Skipped the damaged checkpoint ${run}/checkpoints/step-0000`);
      assertEquals(place.stateHash(run), straight);
      assertStepsOnce(place.of(`${run}/metrics.jsonl`), 6);
    });
  }
  await t.step("all of them: refused, and no byte is lost", async () => {
    copy(place, "run", "lost");
    for (const step of ["step-00000002", "step-00000004"]) {
      damage(place.of(`lost/checkpoints/${step}/model.safetensors`));
    }
    const before = Object.values(contents(place.of("lost"))).sort();
    const ended = await place.run(["--resume=lost"]);
    assertOneLine(ended, { exit: "incompatible", says: ["2 are damaged"] });
    assertEquals(Object.values(contents(place.of("lost"))).sort(), before);
    place.assertQuiet();
  });
});

Deno.test("a folder belongs to one run at a time", async () => {
  using place = new Place();
  const first = place.start(tinyArgs("run", "--steps=100000", "--checkpoint.every=5"));
  await first.line(/^saved /);
  for (const args of [tinyArgs("run"), ["--resume=run"]]) {
    const second = await place.run(args);
    assertOneLine(second, { exit: "locked", says: [`run is in use by process ${first.pid}`] });
  }
  first.kill("SIGTERM");
  const { code, stdout } = await first.ended;
  assertEquals(code, 0);
  const { steps } = place.json("run/summary.json");
  assert(stdout.includes(`Stopped at step ${steps}`));
  assertStepsOnce(place.of("run/metrics.jsonl"), Number(steps));
  place.assertQuiet();
});
