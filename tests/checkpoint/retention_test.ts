import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { saveCheckpoint } from "../../src/checkpoint/commit.ts";
import { DISK, type Disk } from "../../src/checkpoint/disk.ts";
import {
  applyRetention,
  type Candidate,
  cleanLeftovers,
  toRemove,
} from "../../src/checkpoint/retention.ts";
import { openCheckpoint } from "../../src/checkpoint/verify.ts";
import { VerifiedSteps } from "../../src/checkpoint/verified.ts";
import { draftOf, flipBit, names, TempFolder } from "./fixture.ts";

const NEWEST = { keep: 2, keep_every: 0, keep_best: false };

/** Verified checkpoints: steps, or pairs of a step and its validation loss. */
function good(...list: (number | [number, number | null])[]): Candidate[] {
  return list.map((one) => {
    const [step, valLoss] = typeof one === "number" ? [one, null] : one;
    return { step, valLoss, verified: true };
  });
}

/** Saves a checkpoint with a validation loss. */
function save(root: string, { step, valLoss }: { step: number; valLoss: number | null }) {
  const draft = draftOf(step);
  return saveCheckpoint(root, { ...draft, manifest: { ...draft.manifest, valLoss } });
}

const steps = (root: string) => names(root).filter((name) => name.startsWith("step-"));

Deno.test("toRemove() returns all but the newest", () => {
  assertEquals(toRemove(good(3, 1, 10, 2), NEWEST), [2, 1]);
  assertEquals(toRemove(good(3, 1), NEWEST), []);
  assertEquals(toRemove([], { ...NEWEST, keep: 1 }), []);
});

Deno.test("toRemove() counts only verified checkpoints, and removes none until there are enough", () => {
  const damaged = (step: number) => ({ step, valLoss: 0, verified: false });
  const policy = { ...NEWEST, keep_best: true };
  assertEquals(toRemove([...good(1, 2), damaged(3)], policy), []);
  assertEquals(toRemove([...good(1), damaged(2), damaged(3)], policy), []);
  // A damaged one is removed like others once two newer ones verify.
  assertEquals(toRemove([damaged(1), ...good(2), damaged(3), ...good(4)], policy), [1]);
  assertEquals(toRemove([...good(1, 2), damaged(3), ...good(4)], policy), [1]);
});

Deno.test("toRemove() keeps every m-th step for ever", () => {
  const policy = { ...NEWEST, keep: 1, keep_every: 100 };
  assertEquals(toRemove(good(50, 100, 150, 200, 250, 300, 350), policy), [250, 150, 50]);
  assertEquals(toRemove(good(50, 100, 150), { ...policy, keep_every: 0 }), [100, 50]);
});

Deno.test("toRemove() keeps the steps that are named for ever", () => {
  const policy = { ...NEWEST, keep: 1, at: [3, 5, 99] };
  assertEquals(toRemove(good(2, 3, 4, 5, 6, 7), policy), [6, 4, 2]);
});

Deno.test("toRemove() keeps the lowest validation loss, the newer of equal ones", () => {
  const policy = { ...NEWEST, keep: 1, keep_best: true };
  const found = good([1, 3], [2, 2], [3, 2], [4, null], [5, 2.5], [6, 4]);
  assertEquals(toRemove(found, policy), [5, 4, 2, 1]);
  assertEquals(toRemove(found, { ...policy, keep_best: false }), [5, 4, 3, 2, 1]);
  assertEquals(toRemove(good(1, 2, 3), policy), [2, 1]);
  const spoilt = found.map((one) => ({ ...one, verified: one.step !== 3 }));
  assertEquals(toRemove(spoilt, policy), [5, 4, 3, 1]);
});

Deno.test("toRemove() refuses to keep none", () => {
  for (const keep of [0, -1, 1.5, NaN]) {
    const policy = { ...NEWEST, keep };
    assertThrows(() => toRemove(good(1), policy), RangeError, "at least 1 must stay");
  }
  for (const keep_every of [-1, 0.5, NaN]) {
    const policy = { ...NEWEST, keep_every };
    assertThrows(() => toRemove(good(1), policy), RangeError, "keep_every must be");
  }
});

Deno.test("toRemove() never removes the newest verified checkpoint, under any policy", () => {
  const found = Array.from({ length: 12 }, (_, step) => ({
    step,
    valLoss: step % 3 === 0 ? null : (step * 7) % 5,
    verified: step % 4 !== 3,
  }));
  for (const keep of [1, 2, 3, 9, 10]) {
    for (const keep_every of [0, 1, 4]) {
      for (const keep_best of [false, true]) {
        const gone = toRemove(found, { keep, keep_every, keep_best });
        const left = found.filter(({ step, verified }) => verified && !gone.includes(step));
        assert(left.length >= Math.min(keep, 9));
        assertEquals(gone.some((step) => step > 9), false);
      }
    }
  }
});

Deno.test("applyRetention() keeps the newest and what is not a checkpoint", async () => {
  using temp = new TempFolder();
  for (const step of [1, 2, 3]) await saveCheckpoint(temp.path, draftOf(step));
  Deno.mkdirSync(`${temp.path}/notes`);
  assertEquals(await applyRetention(temp.path, 2), [1]);
  assertEquals(names(temp.path), ["notes", "step-00000002", "step-00000003"]);
  assertEquals(await applyRetention(temp.path, 2), []);
});

Deno.test("applyRetention() removes nothing while too few verify", async () => {
  using temp = new TempFolder();
  for (const step of [1, 2, 3]) await saveCheckpoint(temp.path, draftOf(step));
  for (const step of [2, 3]) {
    flipBit(`${temp.path}/step-0000000${step}/optimizer.safetensors`, { byte: -1 });
  }
  assertEquals(await applyRetention(temp.path, 2), []);
  await saveCheckpoint(temp.path, draftOf(4));
  assertEquals(await applyRetention(temp.path, 2), []);
  await saveCheckpoint(temp.path, draftOf(5));
  assertEquals(await applyRetention(temp.path, 2), [3, 2, 1]);
  assertEquals(names(temp.path), ["step-00000004", "step-00000005"]);
});

Deno.test("applyRetention() keeps the best verified checkpoint across saves", async () => {
  using temp = new TempFolder();
  const policy = { keep: 1, keep_every: 4, keep_best: true };
  const losses = [5, 2, 3, 4, 1.5, 1, 6, 7];
  const left: string[][] = [];
  const verified = new VerifiedSteps();
  for (const [i, valLoss] of losses.entries()) {
    await save(temp.path, { step: i + 1, valLoss });
    if (i === 6) flipBit(`${temp.path}/step-00000006/model.safetensors`, { byte: -1 });
    await applyRetention(temp.path, policy, { verified });
    left.push(steps(temp.path).map((name) => name.slice(-1)));
  }
  assertEquals(left.map((digits) => digits.join("")), [
    "1",
    "2",
    "23",
    "24",
    "45",
    "46", // 6 is the best and the newest.
    "47", // 6 was damaged; 4 is divided by 4, 7 is the newest, and 4 is the best of them.
    "48",
  ]);
});

Deno.test("applyRetention() verifies a checkpoint once, unless it has changed", async () => {
  using temp = new TempFolder();
  const read: string[] = [];
  const verified = new VerifiedSteps((path) => {
    read.push(path.slice(-1));
    return openCheckpoint(path);
  });
  const reads = async () => {
    await applyRetention(temp.path, { ...NEWEST, keep_best: true }, { verified });
    return read.splice(0).join("");
  };
  for (const step of [1, 2]) await save(temp.path, { step, valLoss: step });
  assertEquals(await reads(), ""); // Nothing can go yet.
  await save(temp.path, { step: 3, valLoss: 3 });
  assertEquals(await reads(), "321");
  assertEquals(await reads(), "");
  await save(temp.path, { step: 4, valLoss: 4 });
  assertEquals(await reads(), "4");
  assertEquals(steps(temp.path).map((name) => name.slice(-1)), ["1", "3", "4"]);
  const model = `${temp.path}/step-00000003/model.safetensors`;
  flipBit(model, { byte: -1 });
  assertEquals(await reads(), "3");
  flipBit(model, { byte: -1 });
  // Other files do not count as a change.
  Deno.writeTextFileSync(`${temp.path}/step-00000004/extra`, "");
  assertEquals(await reads(), "3");
});

Deno.test("applyRetention() syncs the renames before it removes a byte", async () => {
  using temp = new TempFolder();
  for (const step of [1, 2, 3]) await saveCheckpoint(temp.path, draftOf(step));
  const calls: string[] = [];
  const note = (call: string, path: string) => {
    calls.push(`${call} ${path.slice(temp.path.length + 1)}`.trim().replace(/-[0-9a-f-]{36}$/, ""));
  };
  const disk: Disk = {
    ...DISK,
    rename: (from, to) => (note("rename", from), DISK.rename(from, to)),
    syncFolder: (path) => (note("sync", path), DISK.syncFolder(path)),
    remove: (path) => (note("remove", path), DISK.remove(path)),
  };
  assertEquals(await applyRetention(temp.path, 1, { disk }), [2, 1]);
  assertEquals(calls, [
    "rename step-00000002",
    "rename step-00000001",
    "sync",
    "remove .trash-step-00000002",
    "remove .trash-step-00000001",
  ]);
});

Deno.test("applyRetention() removes what an earlier removal left after a disk fault", async () => {
  using temp = new TempFolder();
  for (const step of [1, 2]) await saveCheckpoint(temp.path, draftOf(step));
  const full = () => Promise.reject(Object.assign(new Error("quota"), { code: "EDQUOT" }));
  const left = () => names(temp.path).filter((name) => name.startsWith(".trash-")).length;
  await assertRejects(() => applyRetention(temp.path, 1, { disk: { ...DISK, syncFolder: full } }));
  assertEquals([left(), steps(temp.path)], [1, ["step-00000002"]]);
  assertEquals(await applyRetention(temp.path, 1, { disk: { ...DISK, remove: full } }), []);
  assertEquals(left(), 1);
  assertEquals(await applyRetention(temp.path, 1), []);
  assertEquals(names(temp.path), ["step-00000002"]);
});

Deno.test("cleanLeftovers() removes only partially written and partially removed checkpoints", async () => {
  using temp = new TempFolder();
  await saveCheckpoint(temp.path, draftOf(1));
  for (
    const name of [".tmp-step-00000002-a", ".trash-step-00000000-b", ".corrupt-step-00000003-c"]
  ) {
    Deno.mkdirSync(`${temp.path}/${name}`);
    Deno.writeTextFileSync(`${temp.path}/${name}/x`, "");
  }
  const removed = [".tmp-step-00000002-a", ".trash-step-00000000-b"];
  assertEquals(await cleanLeftovers(temp.path), removed);
  assertEquals(names(temp.path), [".corrupt-step-00000003-c", "step-00000001"]);
  assertEquals(await cleanLeftovers(`${temp.path}/nowhere`), []);
});

Deno.test("applyRetention() counts no checkpoint after the last step with a finite loss", async () => {
  using temp = new TempFolder();
  for (const step of [1, 2, 3, 4]) await saveCheckpoint(temp.path, draftOf(step));
  assertEquals(await applyRetention(temp.path, 1, { sound: 0 }), []);
  assertEquals(await applyRetention(temp.path, 2, { sound: 3 }), [1]);
  assertEquals(await applyRetention(temp.path, 1, { sound: 4 }), [3, 2]);
});
