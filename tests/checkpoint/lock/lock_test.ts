import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { fileURLToPath } from "node:url";
import { EXIT, UserError } from "../../../src/base/user_error.ts";
import { lockRun } from "../../../src/checkpoint/lock/lock.ts";
import { contentsOf } from "../../support/contents.ts";
import { asOther, needing, OTHER_USER } from "../../support/needs.ts";
import { mkfifo } from "../../support/pipe.ts";
import { child, TempFolder } from "../fixture.ts";

async function firstLine(stream: ReadableStream<Uint8Array>): Promise<string> {
  let text = "";
  for await (const chunk of stream) {
    text += new TextDecoder().decode(chunk);
    if (text.includes("\n")) break;
  }
  return text.trim();
}

Deno.test("lockRun() refuses a folder in use and takes over after a SIGKILL", async () => {
  using temp = new TempFolder();
  const out = `${temp.path}/run`;
  const owner = child("lock/lock_child.ts", { args: [out], stdin: "piped" }).spawn();
  const heir = Number(await firstLine(owner.stdout));
  try {
    const error = await assertRejects(
      () => lockRun(out),
      UserError,
      `Output folder ${out} is in use by process ${owner.pid} on ${Deno.hostname()}`,
    );
    assertEquals(error.exit, "locked");
    owner.kill("SIGKILL");
    await owner.status;
    using _lock = await lockRun(out);
    assertEquals(Deno.readTextFileSync(`${out}/.lock`), `${Deno.pid} ${Deno.hostname()}\n`);
  } finally {
    await owner.stdin.close().catch(() => {});
    Deno.kill(heir, "SIGKILL");
  }
});

Deno.test("lockRun() does not name an owner that it cannot read", async () => {
  using temp = new TempFolder();
  using _lock = await lockRun(temp.path);
  for (const text of ["", "12", "12 ", "12 a b\n", "12 a\x1b[2J\n", "x host\n", "9 h"]) {
    Deno.writeTextFileSync(`${temp.path}/.lock`, text);
    const error = await assertRejects(() => lockRun(temp.path), UserError);
    assertEquals(error.message, `Output folder ${temp.path} is in use by another process`);
  }
});

Deno.test("lockRun() makes the folders above as well", async () => {
  using temp = new TempFolder();
  using _lock = await lockRun(`${temp.path}/a/b/c`);
  assertEquals(Deno.statSync(`${temp.path}/a/b/c`).isDirectory, true);
});

Deno.test("lockRun() frees the folder when it is disposed", async () => {
  using temp = new TempFolder();
  {
    using _lock = await lockRun(temp.path);
    await assertRejects(() => lockRun(temp.path), UserError, `process ${Deno.pid}`);
  }
  using _again = await lockRun(temp.path);
});

Deno.test("lockRun() refuses a folder that cannot be made, in one line", async () => {
  using temp = new TempFolder();
  Deno.writeTextFileSync(`${temp.path}/file`, "");
  for (const out of [`${temp.path}/file`, `${temp.path}/file/run`]) {
    const error = await assertRejects(() => lockRun(out), UserError, "Cannot use output folder");
    assertEquals(error.exit, "config");
    assertEquals(error.message.includes("\n"), false);
  }
});

/** What may exist at the path of a lock; `victim` is a file of the user. */
const NO_LOCKS: Readonly<Record<string, (lock: string, victim: string) => void>> = {
  "is a symbolic link": (lock, victim) => Deno.symlinkSync(victim, lock),
  "symbolic link": (lock) => Deno.symlinkSync(`${lock}-nowhere`, lock),
  "is a named pipe": mkfifo,
  "is a folder": (lock) => Deno.mkdirSync(lock),
  "has a second name": (lock, victim) => Deno.linkSync(victim, lock),
  "holds something else": (lock) => Deno.writeTextFileSync(lock, "years of work"),
  ": need a lock there: ": (lock) => Deno.writeTextFileSync(lock, "31415\n"),
};

Deno.test("lockRun() neither writes to nor blocks on anything but a lock file", async () => {
  for (const [says, make] of Object.entries(NO_LOCKS)) {
    using temp = new TempFolder();
    const [out, victim] = [`${temp.path}/run`, `${temp.path}/thesis.txt`];
    Deno.mkdirSync(out);
    Deno.writeTextFileSync(victim, "12");
    make(`${out}/.lock`, victim);
    const before = contentsOf(temp.path);
    const error = await assertRejects(() => lockRun(out), UserError, says);
    assertEquals(error.exit, "config");
    assertMatch(error.message, /^Cannot use output folder [^\n]+: need [^\n]+; remove it$/);
    assertEquals(contentsOf(temp.path), before, says);
  }
});

Deno.test("lockRun() takes over a lock of a dead process, also one zeroed by a power cut", async () => {
  for (const text of ["", "12 host\n", "12 -\n", "\0\0\0"]) {
    using temp = new TempFolder();
    Deno.writeTextFileSync(`${temp.path}/.lock`, text);
    using _lock = await lockRun(temp.path);
    assertEquals(Deno.readTextFileSync(`${temp.path}/.lock`), `${Deno.pid} ${Deno.hostname()}\n`);
  }
});

Deno.test("a created lock file is removed if nothing was added to the folder", async () => {
  for (const [left, added, stays] of [[[], [], 0], [[], ["x"], 1], [[".lock"], [], 1]] as const) {
    using temp = new TempFolder();
    for (const name of ["mine", ...left]) Deno.writeTextFileSync(`${temp.path}/${name}`, "");
    using lock = await lockRun(temp.path);
    for (const name of added) Deno.writeTextFileSync(`${temp.path}/${name}`, "");
    lock.removeUnused();
    assertEquals(Object.keys(contentsOf(temp.path)).includes(".lock"), stays === 1);
    assertEquals(Deno.readTextFileSync(`${temp.path}/mine`), "");
  }
});

Deno.test("concurrent lockRun() calls give one lock, also while the folder is created and removed", async () => {
  using temp = new TempFolder();
  const out = `${temp.path}/a/run`;
  for (let i = 0; i < 20; i++) {
    const locks = await Promise.allSettled(Array.from({ length: 8 }, () => lockRun(out)));
    const held = locks.flatMap((one) => one.status === "fulfilled" ? [one.value] : []);
    const states = held.map((lock) => assertEquals(lock.check(), undefined));
    assertEquals(states.length, 1);
    for (const one of locks) {
      if (one.status === "rejected") assertEquals(one.reason.exit, "locked", String(one.reason));
    }
    for (const lock of held) {
      lock.removeUnused();
      lock[Symbol.dispose]();
    }
  }
});

Deno.test({
  ...needing("lockRun() names the user whose lock it may not take", OTHER_USER),
  fn: async () => {
    using temp = new TempFolder();
    Deno.chmodSync(temp.path, 0o777);
    {
      using _lock = await lockRun(temp.path);
    }
    const script = fileURLToPath(new URL("lock_try_child.ts", import.meta.url));
    const [program, ...args] = asOther(temp.path, script, temp.path);
    const { code, stderr } = await new Deno.Command(program, { args, cwd: temp.path }).output();
    const said = new TextDecoder().decode(stderr);
    assertEquals(code, EXIT.locked, said);
    assertMatch(said, /^error: Cannot use output folder [^\n]+\.lock belongs to user \d+\n$/);
  },
});
