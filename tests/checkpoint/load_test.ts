import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { UserError } from "../../src/base/user_error.ts";
import { saveCheckpoint } from "../../src/checkpoint/commit.ts";
import { listCheckpoints, loadNewest } from "../../src/checkpoint/load.ts";
import { printManifest } from "../../src/checkpoint/manifest.ts";
import { writeSafetensors } from "../../src/checkpoint/tensors/safetensors.ts";
import { draftOf, flipBit, names, TempFolder, tensor } from "./fixture.ts";

const MODEL = "model.safetensors";
const FILES = ["manifest.json", MODEL, "optimizer.safetensors"];

/** Saves steps 100 and 200, damages 200, and loads: the reason, and the result. */
async function spoil(work: (path: string) => void | Promise<void>): Promise<string> {
  using temp = new TempFolder();
  await saveCheckpoint(temp.path, draftOf(100));
  const { path } = await saveCheckpoint(temp.path, draftOf(200));
  await work(path);
  const skipped: [string, string][] = [];
  const loaded = await loadNewest(temp.path, {
    onSkip: (path, reason) => void skipped.push([path, reason]),
  });
  assertEquals(loaded.manifest.step, 100);
  assertEquals(skipped.length, 1);
  assertEquals(skipped[0]?.[0], path);
  const [aside, ...rest] = names(temp.path);
  assertMatch(aside ?? "", /^\.corrupt-step-00000200-/);
  assertEquals(rest, ["step-00000100"]);
  return skipped[0]?.[1] ?? "";
}

Deno.test("loadNewest() takes the newest step, not the last written", async () => {
  using temp = new TempFolder();
  for (const step of [99_999_999, 9, 100_000_000, 10]) {
    await saveCheckpoint(temp.path, draftOf(step));
  }
  for (const other of ["step-1", "step-x", ".tmp-step-99999999-a", "step-0000000000"]) {
    Deno.mkdirSync(`${temp.path}/${other}`);
  }
  const steps = (await listCheckpoints(temp.path)).map(({ step }) => step);
  assertEquals(steps, [100_000_000, 99_999_999, 10, 9]);
  const onSkip = (path: string) => {
    throw new Error(path);
  };
  assertEquals((await loadNewest(temp.path, { onSkip })).manifest.step, 100_000_000);
});

Deno.test("loadNewest() detects a manifest with wrong contents", async () => {
  const older = await spoil((path) => {
    for (const name of FILES) {
      Deno.copyFileSync(`${path}/../step-00000100/${name}`, `${path}/${name}`);
    }
  });
  assertEquals(older, "manifest.json is of step 100, the folder is step-00000200");
  const long = await spoil((path) => {
    Deno.writeTextFileSync(`${path}/manifest.json`, " ".repeat(64 * 2 ** 20 + 1));
  });
  assertEquals(long, "manifest.json is longer than 67108864 bytes");
});

Deno.test("loadNewest() detects valid tensors of another state", async () => {
  const reason = await spoil(async (path) => {
    Deno.removeSync(`${path}/${MODEL}`);
    const digest = await writeSafetensors(`${path}/${MODEL}`, [tensor("other", [2])]);
    const { seal: _, ...manifest } = JSON.parse(Deno.readTextFileSync(`${path}/manifest.json`));
    manifest.files[0] = { name: MODEL, ...digest };
    Deno.writeTextFileSync(`${path}/manifest.json`, printManifest(manifest));
  });
  assertEquals(reason, "The state does not match its hash");
});

Deno.test("loadNewest() detects a file, or a link to another step, instead of a folder", async () => {
  const file = await spoil((path) => {
    Deno.removeSync(path, { recursive: true });
    Deno.writeTextFileSync(path, "");
  });
  assertEquals(file, "It is not a folder");
  const link = await spoil((path) => {
    Deno.removeSync(path, { recursive: true });
    Deno.symlinkSync("step-00000100", path);
  });
  assertEquals(link, "manifest.json is of step 100, the folder is step-00000200");
});

Deno.test("loadNewest() refuses when nothing verifies, and names the folder", async () => {
  using temp = new TempFolder();
  for (const step of [1, 2]) {
    const { path } = await saveCheckpoint(temp.path, draftOf(step));
    flipBit(`${path}/${MODEL}`, { byte: -1 });
  }
  const skipped: string[] = [];
  const error = await assertRejects(
    () => loadNewest(temp.path, { onSkip: (path) => void skipped.push(path) }),
    UserError,
    temp.path,
  );
  assertEquals(error.exit, "incompatible");
  assertEquals(skipped, [`${temp.path}/step-00000002`, `${temp.path}/step-00000001`]);
});

Deno.test("loadNewest() refuses where there is no checkpoint", async () => {
  using temp = new TempFolder();
  for (const root of [temp.path, `${temp.path}/nowhere`]) {
    const error = await assertRejects(
      () => loadNewest(root, { onSkip: () => {} }),
      UserError,
      `No checkpoint to resume from in ${root}`,
    );
    assertEquals(error.exit, "config");
  }
});

Deno.test("loadNewest() changes nothing when it may not set checkpoints aside", async () => {
  using temp = new TempFolder();
  await saveCheckpoint(temp.path, draftOf(1));
  const { path } = await saveCheckpoint(temp.path, draftOf(2));
  flipBit(`${path}/${MODEL}`, { byte: -1 });
  const loaded = await loadNewest(temp.path, { onSkip: () => {}, quarantine: false });
  assertEquals(loaded.manifest.step, 1);
  assertEquals(names(temp.path), ["step-00000001", "step-00000002"]);
});
