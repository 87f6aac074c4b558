import { assert, assertEquals, assertGreater, assertMatch, assertRejects } from "@std/assert";
import { UserError } from "../../src/base/user_error.ts";
import { type CheckpointDraft, SAVE_POINTS, saveCheckpoint } from "../../src/checkpoint/commit.ts";
import { loadNewest } from "../../src/checkpoint/load.ts";
import { NonFiniteState } from "../../src/checkpoint/non_finite.ts";
import type { NamedTensor } from "../../src/checkpoint/tensors/tensor.ts";
import { draftOf, flipBit, hashOf, names, TempFolder } from "./fixture.ts";

const onSkip = (path: string, reason: string) => {
  throw new Error(`${path} was skipped: ${reason}`);
};

Deno.test("a checkpoint comes back as it was saved", async () => {
  using temp = new TempFolder();
  const root = `${temp.path}/run/checkpoints`;
  const draft = draftOf(200);
  const saved = await saveCheckpoint(root, draft);
  assertEquals(saved.path, `${root}/step-00000200`);
  assertEquals(names(root), ["step-00000200"]);
  const files = names(saved.path);
  assertEquals(files, ["manifest.json", "model.safetensors", "optimizer.safetensors"]);
  const sizes = files.map((name) => Deno.statSync(`${saved.path}/${name}`).size);
  assertEquals(saved.bytes, sizes.reduce((a, b) => a + b));
  assertEquals(saved.manifest.stateHash, hashOf(draft));
  const loaded = await loadNewest(root, { onSkip });
  assertEquals(loaded.path, saved.path);
  assertEquals(loaded.manifest, saved.manifest);
  assertEquals([...loaded.model.values()], draft.model);
  assertEquals([...loaded.optimizer.values()], draft.optimizer);
});

Deno.test("saveCheckpoint() has its effects in order", async () => {
  using temp = new TempFolder();
  const points: string[] = [];
  await saveCheckpoint(temp.path, draftOf(1), { at: (point) => void points.push(point) });
  assertEquals(points, SAVE_POINTS);
});

Deno.test("saveCheckpoint() keeps a checkpoint of the same step and state", async () => {
  using temp = new TempFolder();
  const first = await saveCheckpoint(temp.path, draftOf(1));
  const { ino } = Deno.statSync(first.path);
  const second = await saveCheckpoint(temp.path, draftOf(1), {
    at: (point) => Promise.reject(new Error(point)),
  });
  assertEquals(second.manifest, first.manifest);
  assertEquals(Deno.statSync(first.path).ino, ino);
  assertEquals(names(temp.path), ["step-00000001"]);
});

Deno.test("saveCheckpoint() refuses a step that was saved with another state", async () => {
  using temp = new TempFolder();
  const { manifest } = await saveCheckpoint(temp.path, draftOf(1));
  const error = await assertRejects(
    () => saveCheckpoint(temp.path, draftOf(1, 99)),
    UserError,
    "holds another state of that step",
  );
  assertEquals(error.exit, "incompatible");
  assertEquals((await loadNewest(temp.path, { onSkip })).manifest, manifest);
});

Deno.test("saveCheckpoint() sets a damaged checkpoint of its step aside", async () => {
  using temp = new TempFolder();
  const { path } = await saveCheckpoint(temp.path, draftOf(1));
  flipBit(`${path}/model.safetensors`, { byte: -1 });
  await saveCheckpoint(temp.path, draftOf(1));
  const [aside, step] = names(temp.path);
  assertMatch(aside ?? "", /^\.corrupt-step-00000001-/);
  assertEquals(step, "step-00000001");
  assertEquals((await loadNewest(temp.path, { onSkip })).manifest.step, 1);
});

Deno.test("saveCheckpoint() leaves nothing behind when any point fails", async () => {
  using temp = new TempFolder();
  await saveCheckpoint(temp.path, draftOf(1));
  for (const point of SAVE_POINTS.slice(0, SAVE_POINTS.indexOf("sync root"))) {
    const at = (here: string) => {
      if (here === point) throw new Error(`stopped at ${point}`);
    };
    await assertRejects(() => saveCheckpoint(temp.path, draftOf(2), { at }), Error, point);
    assertEquals(names(temp.path), ["step-00000001"]);
  }
  assertEquals((await loadNewest(temp.path, { onSkip })).manifest.step, 1);
});

Deno.test("saveCheckpoint() refuses before it writes when the disk has no room", async () => {
  using temp = new TempFolder();
  const { model, optimizer } = draftOf(2);
  const bytes = [...model, ...optimizer].reduce((sum, { data }) => sum + data.byteLength, 0);
  const error = await assertRejects(
    () => saveCheckpoint(temp.path, draftOf(2), { free: () => bytes }),
    UserError,
    "must be free",
  );
  assertEquals(error.exit, "tooLarge");
  assertEquals(names(temp.path), []);
});

Deno.test("saveCheckpoint() survives a disk that fills up meanwhile", async () => {
  using temp = new TempFolder();
  await saveCheckpoint(temp.path, draftOf(1));
  const at = (point: string) => {
    if (point === "fill model.safetensors") {
      throw Object.assign(new Error("No space left on device"), { code: "ENOSPC" });
    }
  };
  await assertRejects(
    () => saveCheckpoint(temp.path, draftOf(2), { at }),
    UserError,
    "the disk is full",
  );
  assertEquals(names(temp.path), ["step-00000001"]);
  await saveCheckpoint(temp.path, draftOf(2));
  assertEquals(names(temp.path), ["step-00000001", "step-00000002"]);
});

Deno.test("saveCheckpoint() publishes nothing that could not be read back", async () => {
  using temp = new TempFolder();
  const draft = draftOf(2);
  const manifest = { ...draft.manifest, step: -2 };
  await assertRejects(() => saveCheckpoint(temp.path, { ...draft, manifest }), Error, "step");
  assertEquals(names(temp.path), []);
});

Deno.test("saveCheckpoint() yields to the event loop", async () => {
  using temp = new TempFolder();
  const size = 16 * 2 ** 20;
  const model = [{ name: "w", shape: [size], data: new Float32Array(size) }];
  const { manifest } = draftOf(1);
  let turns = 0;
  let before: number | undefined;
  const count = () => {
    turns++;
    timer = setTimeout(count, 0);
  };
  let timer = setTimeout(count, 0);
  try {
    const draft = { manifest, model, optimizer: [] };
    await saveCheckpoint(temp.path, draft, { at: () => void (before ??= turns) });
  } finally {
    clearTimeout(timer);
  }
  // 64 MiB are hashed in 16 chunks before the first effect.
  assertGreater(before ?? 0, 8);
});

Deno.test("saveCheckpoint() keeps its files from other users", async () => {
  using temp = new TempFolder();
  const { path } = await saveCheckpoint(temp.path, draftOf(1));
  const open = [path, ...names(path).map((name) => `${path}/${name}`)]
    .filter((file) => ((Deno.statSync(file).mode ?? 0) & 0o007) !== 0);
  assertEquals(open, []);
  assert(Deno.statSync(path).isDirectory);
});

Deno.test("saveCheckpoint() keeps a state that is not finite under a name that is not a checkpoint's", async () => {
  const spoil = (draft: CheckpointDraft, value: number): CheckpointDraft => {
    const [first] = draft.optimizer as [NamedTensor];
    return { ...draft, optimizer: [{ ...first, data: first.data.with(3, value) }] };
  };
  for (const value of [NaN, Infinity, -Infinity]) {
    using temp = new TempFolder();
    await saveCheckpoint(temp.path, draftOf(1));
    for (const draft of [spoil(draftOf(2), value), { ...draftOf(2), ruin: "its loss is NaN" }]) {
      const error = await assertRejects(() => saveCheckpoint(temp.path, draft), NonFiniteState);
      assertEquals(error.message, draft.ruin ?? `its state is not finite: w/m[3] is ${value}`);
      assertEquals(error.kept, `${temp.path}/step-00000002.ruined`);
      assertEquals(names(temp.path), ["step-00000001", "step-00000002.ruined"]);
    }
    // A full disk must not hide the reason.
    const full = { free: () => 0 };
    const error = await assertRejects(
      () => saveCheckpoint(temp.path, spoil(draftOf(3), value), full),
      NonFiniteState,
    );
    assertEquals([error.kept, names(temp.path).length], [undefined, 2]);
  }
});
