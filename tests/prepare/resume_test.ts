/** A stopped preparation resumes to the same bytes; a finished one is not repeated. */
import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { UserError } from "../../src/base/user_error.ts";
import { endingOf } from "../../src/cli/command.ts";
import { prepareCommand } from "../../src/cli/prepare/prepare.ts";
import type { PrepareEvent } from "../../src/prepare/prepare.ts";
import { contents, Desk, jsonLines, someText } from "./fixture.ts";

const SMALL = { shardTokens: 20_000 };

/** Files with several parts: a text, a packed text, and documents of two kinds on both sides. */
function writeFiles(desk: Desk): string[] {
  desk.write("a.txt", someText(2000));
  desk.write("b.txt.gz", someText(3000, 5));
  desk.write("c.jsonl", jsonLines(Array.from({ length: 200 }, (_, i) => someText(20, i + 1))));
  const rows = Array.from({ length: 80 }, (_, i) => ({ text: someText(20, i + 500) }));
  desk.write("d.json", JSON.stringify(rows, null, 1));
  return ["a.txt", "b.txt.gz", "c.jsonl", "d.json"];
}

/** Simulates a kill at the nth effect. */
class Killed extends Error {}

Deno.test("prepare: killed before an effect, it goes on to the same bytes", async () => {
  using desk = new Desk();
  const names = writeFiles(desk);
  let effects = 0;
  await desk.prepare(names, { out: "whole", ...SMALL }, { at: () => effects++ });
  const whole = contents(desk.of("whole"));
  assert(effects > 20 && whole.size > 8, `${effects} effects, ${whole.size} files`);
  // All of the first parts, then one of each kind here and there: parts are alike.
  for (let n = 0; n < effects; n += n < 12 || n > effects - 4 ? 1 : 4) {
    let left = n;
    const at = () => {
      if (left-- === 0) throw new Killed();
    };
    const out = `killed${n}`;
    await assertRejects(() => desk.prepare(names, { out, ...SMALL }, { at }), Killed);
    const { ended } = await desk.prepare(names, { out, ...SMALL });
    assertEquals(ended, "done");
    assertEquals(contents(desk.of(out)), whole, `killed before effect ${n}`);
    Deno.removeSync(desk.of(out), { recursive: true });
  }
});

Deno.test("prepare: killed again and again, it keeps each part that was finished", async () => {
  using desk = new Desk();
  const names = writeFiles(desk);
  await desk.prepare(names, { out: "whole", ...SMALL });
  let kills = 0;
  for (let ended = ""; ended === "";) {
    let kept = 0;
    const at = (point: string) => {
      // One part each time: the first is kept, the second is lost.
      if (point === "keep progress" && kept++ === 1) throw new Killed();
    };
    try {
      ({ ended } = await desk.prepare(names, SMALL, { at }));
    } catch (error) {
      assert(error instanceof Killed);
      kills++;
    }
  }
  assert(kills > 3, `${kills}`);
  assertEquals(contents(desk.of("out")), contents(desk.of("whole")));
});

Deno.test("prepare: stopped by a signal, it leaves no half shard and goes on", async () => {
  using desk = new Desk();
  const names = writeFiles(desk);
  await desk.prepare(names, { out: "whole", ...SMALL });
  for (const phase of ["scan", "encode"]) {
    const controller = new AbortController();
    let reads = 0;
    const show = (event: { type: string; phase?: string }) => {
      if (event.type === "read" && event.phase === phase && reads++ === 1) controller.abort();
    };
    const out = `stopped-${phase}`;
    const stopped = await desk.prepare(names, { out, ...SMALL }, {
      show,
      stop: controller.signal,
    });
    assertEquals(stopped.ended, "stopped");
    // Without progress there is nothing to go on with, and the folder goes as well.
    const left = Array.from(Deno.readDirSync(desk.path), ({ name }) => name).includes(out)
      ? Array.from(Deno.readDirSync(desk.of(out)), ({ name }) => name)
      : [];
    assertEquals(left.filter((name) => name.startsWith(".") && name !== ".lock"), []);
    assertEquals(left.includes("progress.json"), phase === "encode");
    await desk.prepare(names, { out, ...SMALL });
    assertEquals(contents(desk.of(out)), contents(desk.of("whole")));
  }
});

Deno.test("prepare: what is there already is not read again", async () => {
  using desk = new Desk();
  const names = writeFiles(desk);
  await desk.prepare(names);
  const before = contents(desk.of("out"));
  const { ended, index } = await desk.prepare(names, {}, {
    show: (event) => assert(event.type !== "read", "no file is read"),
    at: (point) => assert(false, point),
  });
  assertEquals([ended, index?.hash], ["nothing", desk.index().hash]);
  assertEquals(contents(desk.of("out")), before);
});

Deno.test("prepare: files that were touched or lie elsewhere are the same files", async () => {
  using desk = new Desk();
  const names = writeFiles(desk);
  await desk.prepare(names);
  Deno.utimeSync(desk.of("a.txt"), 1000, 1000);
  assertEquals((await desk.prepare(names)).ended, "nothing");
  for (const name of names) {
    Deno.mkdirSync(desk.of("else"), { recursive: true });
    Deno.copyFileSync(desk.of(name), desk.of(`else/${name}`));
  }
  assertEquals((await desk.prepare(names.map((name) => `else/${name}`))).ended, "nothing");
});

Deno.test("prepare refuses another text or other options in the same folder, done or begun", async () => {
  using desk = new Desk();
  const names = writeFiles(desk);
  await desk.prepare(names, { out: "done", ...SMALL });
  let published = 0;
  const at = (point: string) => {
    if (point === "publish shard" && published++ === 4) throw new Killed();
  };
  await assertRejects(() => desk.prepare(names, { out: "begun", ...SMALL }, { at }), Killed);
  for (const out of ["done", "begun"]) {
    const before = contents(desk.of(out));
    const refused = async (says: string, act: () => Promise<unknown>) => {
      const refusal = await assertRejects(act, UserError, says);
      assertEquals(refusal.exit, "config");
      assertEquals(contents(desk.of(out)), before);
    };
    await refused(
      "tokenizer char, not byte",
      () => desk.prepare(names, { out, ...SMALL, tokenizer: "byte" }),
    );
    await refused(
      "validation 0.1, not 0.2",
      () => desk.prepare(names, { out, ...SMALL, validation: 0.2 }),
    );
    await refused(
      "ends true, not false",
      () => desk.prepare(names, { out, ...SMALL, ends: false }),
    );
    await refused("4 files, not 1", () => desk.prepare(["a.txt"], { out, ...SMALL, ends: true }));
    const text = Deno.readTextFileSync(desk.of("a.txt"));
    desk.write("a.txt", text.replace("whale", "whole"));
    await refused("another", () => desk.prepare(names, { out, ...SMALL }));
    desk.write("a.txt", text);
  }
  assertEquals((await desk.prepare(names, { out: "begun", ...SMALL })).ended, "done");
});

Deno.test("prepare: before its first shard, another request takes the folder over", async () => {
  using desk = new Desk();
  const names = writeFiles(desk);
  const other = { tokenizer: "byte", validation: 0, ...SMALL };
  await desk.prepare(names, { out: "whole", ...other });
  // Killed with both shards of a part under their names, of which progress says nothing yet.
  let progress = 0;
  const at = (point: string) => {
    if (point === "keep progress" && ++progress === 2) throw new Killed();
  };
  await assertRejects(() => desk.prepare(names, {}, { at }), Killed);
  assert(contents(desk.of("out")).has("validation-00000.tokens"));
  const show = (event: { type: string }) =>
    assert(event.type !== "resume", "nothing is gone on with");
  assertEquals((await desk.prepare(names, other, { show })).ended, "done");
  assertEquals(contents(desk.of("out")), contents(desk.of("whole")));
});

Deno.test("prepare: the same request goes on without a shard and does not count them", async () => {
  using desk = new Desk();
  const names = writeFiles(desk);
  const at = (point: string) => {
    if (point === "publish shard") throw new Killed();
  };
  await assertRejects(() => desk.prepare(names, {}, { at }), Killed);
  const phases = new Set<string>();
  const show = (event: PrepareEvent) =>
    void phases.add("phase" in event ? event.phase : event.type);
  assertEquals((await desk.prepare(names, {}, { show })).ended, "done");
  assert(!phases.has("resume") && !phases.has("scan"), [...phases].join());
});

Deno.test({
  name: "prepare: a refused request leaves nothing that refuses the corrected one",
  // The command listens to signals until its process ends.
  sanitizeOps: false,
  sanitizeResources: false,
  async fn() {
    using desk = new Desk();
    const text = desk.write("text.txt", someText(400));
    const refused = () => desk.prepare(["text.txt"], { tokenizer: "word:5", shardTokens: 500 });
    const made = desk.of("new/out");
    const words = [text, "--tokenizer=word:5", `--out=${made}`];
    const ending = await endingOf(() => prepareCommand(words));
    assertMatch(String(ending.says), /unknown/);
    assertEquals(
      Array.from(Deno.readDirSync(desk.path), ({ name }) => name).includes("new"),
      false,
    );
    Deno.mkdirSync(desk.of("out"));
    await assertRejects(refused, UserError, "unknown");
    assertEquals(contents(desk.of("out")), new Map());
    assertEquals((await desk.prepare(["text.txt"])).ended, "done");
  },
});

Deno.test("prepare refuses a folder of somebody else, and a file in its place", async () => {
  using desk = new Desk();
  desk.write("a.txt", "text\n");
  desk.write("mine/index.json", "{}");
  desk.write("other/thesis.tex", "years");
  for (
    const [out, says] of [["mine", "it holds index.json"], [
      "other",
      "it holds thesis.tex",
    ]] as const
  ) {
    const refusal = await assertRejects(() => desk.prepare(["a.txt"], { out }), UserError, says);
    assertEquals(refusal.exit, "config");
  }
  assertEquals(Deno.readTextFileSync(desk.of("mine/index.json")), "{}");
  await assertRejects(() => desk.prepare(["a.txt"], { out: "a.txt" }), UserError, "output folder");
});

Deno.test("prepare refuses a folder that another process is preparing into", async () => {
  using desk = new Desk();
  desk.write("a.txt", someText(100));
  Deno.mkdirSync(desk.of("out"));
  using lock = Deno.openSync(desk.of("out/.lock"), { write: true, create: true });
  lock.lockSync(true);
  const refusal = await assertRejects(() => desk.prepare(["a.txt"]), UserError, "another process");
  assertEquals(refusal.exit, "locked");
});
