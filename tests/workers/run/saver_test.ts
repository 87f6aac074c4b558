/** A disk fault during a save costs that checkpoint at most, and is reported as it is. */
import { assert, assertEquals, assertMatch, assertRejects, assertStrictEquals } from "@std/assert";
import { UserError } from "../../../src/base/user_error.ts";
import type { Disk } from "../../../src/checkpoint/disk.ts";
import { loadNewest } from "../../../src/checkpoint/load.ts";
import type { RunEvent } from "../../../src/report/events.ts";
import { requireRoom } from "../../../workers/run/room.ts";
import { openCheckpoint } from "../../../src/checkpoint/verify.ts";
import { saver } from "../../../workers/run/saver.ts";
import { draftOf, names, TempFolder } from "../../checkpoint/fixture.ts";
import { BadDisk, CALLS, ERRORS } from "../../faults/support/bad_disk.ts";
import { tinyConfig } from "../../support/gpt.ts";
import { letters } from "../../support/lockstep.ts";

const config = tinyConfig({ checkpoint: { every: 1, keep: 2 } });
const WORDS: Readonly<Record<string, RegExp>> = {
  ENOSPC: /the disk is full/,
  EDQUOT: /the quota of this user is used up/,
  EFBIG: /it allows smaller ones/,
  ESTALE: /the file is gone there/,
  EIO: /an error of input or output/,
  EROFS: /read-only/,
  EMFILE: /too many are open/,
  ENAMETOOLONG: /names have at most 255 bytes/,
  EACCES: /the system refuses it/,
  ENOENT: /there is none/,
  ENOTCONN: /Transport endpoint is not connected/,
  unnamed: /Some disks say this/,
};

/** A folder with a run's saves, and what was said of them. */
class Saves extends TempFolder {
  readonly root = `${this.path}/checkpoints`;
  readonly notices: string[] = [];
  readonly kinds: string[] = [];

  async save(
    step: number,
    { disk = new BadDisk(), last = false }: { disk?: Disk; last?: boolean } = {},
  ) {
    const corpus = letters(config);
    const { save, prune } = saver({
      config: { ...config, out: this.path },
      out: this.path,
      data: { corpus, hash: "0".repeat(64), notes: [] },
      report: (event: RunEvent) => event.type === "notice" && this.notices.push(event.text),
      note: (kind) => this.kinds.push(kind),
      disk,
      // Those of the fixture are of no run.
      open: openCheckpoint,
    });
    const { model, optimizer, manifest: { adapter, kernels = "" } } = draftOf(step);
    const shaders = "0".repeat(64);
    const of = { adapter, kernels, shaders, probe: "", workers: 1 };
    const facts = { ...of, valLoss: null, skipped: [], stallMs: 0 };
    const hash = await save({ model, optimizer }, { step, last, ...facts });
    if (hash !== undefined) await prune(step);
    return hash;
  }

  async newest(): Promise<number> {
    const onSkip = (path: string, why: string) => assert(false, `${path}: ${why}`);
    return (await loadNewest(this.root, { onSkip })).manifest.step;
  }

  /** Names of what is neither a checkpoint nor meant to be. */
  left(): string[] {
    return names(this.root).filter((name) => !name.startsWith("step-"));
  }
}

/** Calls that a save which comes to nothing fails at. */
const SAVING = CALLS.filter((call) => call !== "remove");

for (const [code, error] of Object.entries(ERRORS)) {
  Deno.test(`${code} at any call of a save costs that save, and the next one works`, async () => {
    for (const call of SAVING) {
      using saves = new Saves();
      await saves.save(1);
      const disk = new BadDisk({ call, error });
      assertEquals(await saves.save(2, { disk }), undefined, call);
      assertEquals(saves.notices.length, 1);
      assertMatch(saves.notices[0] ?? "", WORDS[code] as RegExp);
      const text = `Cannot save to ${saves.root}: `;
      assert(saves.notices[0]?.startsWith(text), saves.notices[0]);
      assertMatch(saves.notices[0] ?? "", /; training goes on without this checkpoint$/);
      assertEquals(await saves.newest(), 1, call);
      assert(typeof await saves.save(3) === "string");
      assertEquals([await saves.newest(), saves.left()], [3, []], call);
      assertEquals(saves.kinds, ["saved", "not_saved", "saved"]);
    }
  });
}

Deno.test("what cannot be removed does not hide why a save failed, and goes at the next start", async () => {
  using saves = new Saves();
  const { EIO, EDQUOT } = ERRORS as Record<string, () => Error>;
  const disk = new BadDisk({ call: "sync", error: EDQUOT as () => Error });
  disk.remove = () => Promise.reject((EIO as () => Error)());
  assertEquals(await saves.save(1, { disk }), undefined);
  assertMatch(saves.notices.join(), WORDS["EDQUOT"] as RegExp);
});

Deno.test("a checkpoint that is saved counts though older ones cannot be removed", async () => {
  using saves = new Saves();
  for (const error of Object.values(ERRORS)) {
    for (const step of [1, 2]) await saves.save(step);
    const disk = new BadDisk({ call: "rename", error, where: /step-00000001$/ });
    assert(typeof await saves.save(3, { disk }) === "string");
    assertEquals([disk.failed, await saves.newest()], [1, 3]);
    assertMatch(saves.notices.at(-1) ?? "", /; older checkpoints stay until the next one$/);
    const full = new BadDisk({ call: "remove", error });
    assert(typeof await saves.save(4, { disk: full }) === "string");
    assertEquals([full.failed, await saves.newest()], [2, 4]); // They are renamed by then.
    Deno.removeSync(saves.root, { recursive: true });
  }
  assertEquals(saves.kinds.filter((kind) => kind === "not_saved"), []);
});

Deno.test("the last state is written anew after a fault, and saved if that was the only one", async () => {
  using saves = new Saves();
  const disk = new BadDisk({ call: "sync", error: ERRORS["EIO"] as () => Error, times: 1 });
  assert(typeof await saves.save(5, { disk, last: true }) === "string");
  assertEquals([disk.failed, await saves.newest(), saves.left()], [1, 5, []]);
  assertEquals(saves.kinds, ["saved"]);
});

Deno.test("a last state that is lost ends with its cause, its code, and what is left", async () => {
  for (const [code, error] of Object.entries({ ...ERRORS })) {
    if (!["EDQUOT", "ESTALE", "unnamed"].includes(code)) continue;
    using saves = new Saves();
    await saves.save(1);
    const disk = new BadDisk({ call: "write", error });
    const refusal = await assertRejects(() => saves.save(2, { disk, last: true }), UserError);
    assertEquals(refusal.exit, code === "EDQUOT" ? "tooLarge" : "lost");
    assertMatch(refusal.message, WORDS[code] as RegExp);
    assertMatch(refusal.message, /; step 2 is not saved, the newest is of step 1$/);
    assertEquals([disk.failed, await saves.newest(), saves.left()], [2, 1, []]);
  }
});

Deno.test("a name that was not synced is synced before the state counts as saved", async () => {
  using saves = new Saves();
  await saves.save(1);
  const disk = new BadDisk({ call: "syncFolder", error: ERRORS["EIO"] as () => Error });
  assertEquals(await saves.save(1, { disk }), undefined); // It was published, but not synced.
});

Deno.test("a bug is no fault of a disk", async () => {
  using saves = new Saves();
  for (const bug of [new TypeError("x"), Object.assign(new Error(), { code: "ERR_INVALID" })]) {
    const disk = new BadDisk({ call: "write", error: () => bug });
    assertStrictEquals(await assertRejects(() => saves.save(1, { disk })), bug);
  }
});

Deno.test("a disk that cannot take a checkpoint is refused before anything is computed", async () => {
  const vocabulary = 20;
  for (const [code, error] of Object.entries(ERRORS)) {
    for (const call of ["makeFolder", "create", "write", "sync"] as const) {
      using temp = new TempFolder();
      const disk = new BadDisk({ call, error });
      const check = () => requireRoom(temp.path, config, { vocabulary, disk });
      const refusal = await assertRejects(check, UserError);
      assertMatch(refusal.message, WORDS[code] as RegExp);
      assert(refusal.message.startsWith(`Cannot save to ${temp.path}: `));
      assertEquals(names(temp.path), []);
    }
  }
  using temp = new TempFolder();
  const free = () => 1000;
  const full = await assertRejects(
    () => requireRoom(temp.path, config, { vocabulary, free }),
    UserError,
  );
  assertEquals(full.exit, "tooLarge");
  assertMatch(full.message, /must be free: 0\.0 MB are$/);
  await requireRoom(temp.path, config, { vocabulary });
  assertEquals(names(temp.path), []);
});
