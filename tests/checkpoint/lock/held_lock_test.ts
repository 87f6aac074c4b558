/** A lock whose folder or file was moved or replaced allows no further effect. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { UserError } from "../../../src/base/user_error.ts";
import { saveCheckpoint } from "../../../src/checkpoint/commit.ts";
import type { Disk } from "../../../src/checkpoint/disk.ts";
import { lockedDisk } from "../../../src/checkpoint/lock/locked_disk.ts";
import { loadNewest } from "../../../src/checkpoint/load.ts";
import { lockRun, type RunLock } from "../../../src/checkpoint/lock/lock.ts";
import {
  applyRetention,
  cleanLeftovers,
  setAsideAfter,
} from "../../../src/checkpoint/retention.ts";
import { contentsOf } from "../../support/contents.ts";
import { draftOf, flipBit, TempFolder } from "../fixture.ts";

/** What happens to the folder `run` in `place`. */
const LOSSES: Readonly<Record<string, (place: string) => void | Promise<void>>> = {
  "was moved or removed": (place) => Deno.renameSync(`${place}/run`, `${place}/moved`),
  "another folder lies there now": (place) => {
    Deno.renameSync(`${place}/run`, `${place}/moved`);
    Deno.mkdirSync(`${place}/run`);
    // A copy by hard links has the same lock file.
    Deno.linkSync(`${place}/moved/.lock`, `${place}/run/.lock`);
  },
  "its .lock was removed": (place) => Deno.removeSync(`${place}/run/.lock`),
  "its .lock was replaced": async (place) => {
    Deno.removeSync(`${place}/run/.lock`);
    (await lockRun(`${place}/run`))[Symbol.dispose]();
  },
};

Deno.test("a lock whose folder or file is moved or replaced is lost, and stays lost", async () => {
  for (const [says, befall] of Object.entries(LOSSES)) {
    using temp = new TempFolder();
    const out = `${temp.path}/run`;
    using lock = await lockRun(out);
    lock.check();
    assertEquals(lock.lost.aborted, false);
    await befall(temp.path);
    const error = assertThrows(() => lock.check(), UserError, `Cannot write to ${out}`);
    assertEquals([error.exit, error.message.includes(says)], ["locked", true], error.message);
    assertEquals(lock.lost.reason, error);
    if (says !== "was moved or removed") continue;
    Deno.renameSync(`${temp.path}/moved`, out);
    assertThrows(() => lock.check(), UserError, says);
  }
});

Deno.test("a lock is held through a link to its folder, until the link has another target", async () => {
  using temp = new TempFolder();
  for (const name of ["a", "b"]) Deno.mkdirSync(`${temp.path}/${name}`);
  const link = `${temp.path}/link`;
  Deno.symlinkSync(`${temp.path}/a`, link);
  using lock = await lockRun(link);
  Deno.renameSync(`${temp.path}/a`, `${temp.path}/c`);
  Deno.removeSync(link);
  Deno.symlinkSync(`${temp.path}/c`, link);
  lock.check();
  Deno.removeSync(link);
  Deno.symlinkSync(`${temp.path}/b`, link);
  assertThrows(() => lock.check(), UserError, "another folder lies there now");
});

Deno.test("a lock removes the folders that it created, and no others", async () => {
  using temp = new TempFolder();
  const out = `${temp.path}/a/b/c`;
  {
    using lock = await lockRun(out);
    lock.removeUnused();
  }
  assertEquals(contentsOf(temp.path), {});
  for (const stays of [`${out}/x`, `${temp.path}/a/x`]) {
    using lock = await lockRun(out);
    Deno.writeTextFileSync(stays, "mine");
    lock.removeUnused();
    assertEquals(Deno.readTextFileSync(stays), "mine");
    Deno.removeSync(`${temp.path}/a`, { recursive: true });
  }
  using lost = await lockRun(out);
  Deno.renameSync(`${temp.path}/a`, `${temp.path}/moved`);
  using _other = await lockRun(out);
  const before = contentsOf(temp.path);
  lost.removeUnused();
  assertEquals(contentsOf(temp.path), before);
});

/** Moves a run's folder and replaces it by a copy that another process has locked. */
async function takeAway(place: string): Promise<RunLock> {
  const run = `${place}/run`;
  Deno.renameSync(run, `${place}/moved`);
  await copyFolder(`${place}/moved`, run);
  Deno.removeSync(`${run}/.lock`);
  return await lockRun(run);
}

/** Creates a run with steps 100 to 300, the last one damaged, and leftovers of a killed save. */
async function makeRun(run: string): Promise<void> {
  const root = `${run}/checkpoints`;
  for (const step of [100, 200, 300]) await saveCheckpoint(root, draftOf(step));
  flipBit(`${root}/step-00000300/model.safetensors`, { byte: -1 });
  Deno.mkdirSync(`${root}/.tmp-step-00000500-x`);
}

async function copyFolder(from: string, to: string): Promise<void> {
  const { success } = await new Deno.Command("cp", { args: ["-r", from, to] }).output();
  assert(success);
}

/** Everything that a run does to its checkpoints. */
const WORKS: Readonly<Record<string, (root: string, disk: Disk) => Promise<unknown>>> = {
  "a save": (root, disk) => saveCheckpoint(root, draftOf(600), { disk }),
  "retention": (root, disk) => applyRetention(root, 1, { disk }),
  "steps that are given up": (root, disk) => setAsideAfter(root, 50, { disk }),
  "what a killed save left": (root, disk) => cleanLeftovers(root, disk),
  "a quarantine": (root, disk) => loadNewest(root, { onSkip: () => {}, disk }),
};

const EFFECTS = ["makeFolder", "create", "syncFolder", "rename", "remove"] as const;

/** The disk of a lock, which calls `before` ahead of its effect of number `n`, counted from 0. */
function disturbed(
  lock: RunLock,
  { n, before }: { n: number; before: () => Promise<void> },
): { disk: Disk; count: () => number } {
  const held = lockedDisk(lock);
  let count = 0;
  const disk = Object.fromEntries(EFFECTS.map((name) => [name, async (...args: string[]) => {
    if (count++ === n) await before();
    return await (held[name] as (...args: string[]) => Promise<unknown>)(...args);
  }]));
  return { disk: disk as unknown as Disk, count: () => count };
}

Deno.test("a run that loses its folder between any two effects changes nothing in the new folder", async () => {
  using made = new TempFolder();
  await makeRun(`${made.path}/run`);
  let taken = 0;
  for (const [what, work] of Object.entries(WORKS)) {
    for (let n = 0, isOver = false; !isOver; n++) {
      using temp = new TempFolder();
      const run = `${temp.path}/run`;
      await copyFolder(`${made.path}/run`, run);
      using lock = await lockRun(run);
      using stack = new DisposableStack();
      let before: Record<string, string> | undefined;
      const { disk, count } = disturbed(lock, {
        n,
        before: async () => {
          stack.use(await takeAway(temp.path));
          before = contentsOf(run);
        },
      });
      const error = await work(`${run}/checkpoints`, disk).then(() => undefined, (error) => error);
      isOver = before === undefined;
      if (before === undefined) {
        assertEquals([error, count()], [undefined, n], what);
        assert(n > 0, what);
        continue;
      }
      taken++;
      assert(error instanceof UserError && error.exit === "locked", `${what}, ${n}: ${error}`);
      assertEquals(contentsOf(run), before, `${what}, ${n}`);
    }
  }
  assert(taken > 15, `${taken}`);
});

Deno.test("a folder that is held in a locked one stays the same, or is made anew by the lock's owner", async () => {
  using temp = new TempFolder();
  const run = `${temp.path}/run`;
  const root = `${run}/checkpoints`;
  const swaps: Record<string, () => void> = {
    "its checkpoints is a symbolic link now": () => Deno.symlinkSync("../other", root),
    "another folder lies there as checkpoints now": () => Deno.mkdirSync(root),
    "its checkpoints is a file now": () => Deno.writeTextFileSync(root, "mine"),
  };
  Deno.mkdirSync(`${temp.path}/other`);
  for (const [says, swap] of Object.entries(swaps)) {
    using lock = await lockRun(run);
    lock.hold("checkpoints");
    const disk = lockedDisk(lock);
    await saveCheckpoint(root, draftOf(100), { disk });
    Deno.renameSync(root, `${temp.path}/moved`);
    lock.check();
    await saveCheckpoint(root, draftOf(200), { disk });
    Deno.removeSync(root, { recursive: true });
    lock.check();
    swap();
    const error = assertThrows(() => lock.check(), UserError, says);
    assertEquals(error.exit, "locked");
    const save = saveCheckpoint(root, draftOf(300), { disk }).then(() => undefined, String);
    assert((await save) !== undefined);
    Deno.removeSync(run, { recursive: true });
    Deno.removeSync(`${temp.path}/moved`, { recursive: true });
  }
  assertEquals(contentsOf(`${temp.path}/other`), {});
});

Deno.test("a held folder behind a link stays the same as well, where links are followed", async () => {
  using temp = new TempFolder();
  const run = `${temp.path}/run`;
  for (const name of ["run", "a", "b"]) Deno.mkdirSync(`${temp.path}/${name}`);
  Deno.symlinkSync("../a", `${run}/checkpoints`);
  {
    using lock = await lockRun(run);
    assertThrows(() => lock.hold("checkpoints"), UserError, "is a symbolic link now");
  }
  using lock = await lockRun(run);
  lock.hold("checkpoints", { followLinks: true });
  Deno.removeSync(`${run}/checkpoints`);
  Deno.symlinkSync("../b", `${run}/checkpoints`);
  assertThrows(() => lock.check(), UserError, "another folder lies there as checkpoints now");
});
