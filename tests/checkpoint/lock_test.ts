import { assertEquals, assertRejects } from "@std/assert";
import { Refusal } from "../../src/base/refusal.ts";
import { lockRun } from "../../src/checkpoint/lock.ts";
import { child, TempFolder } from "./fixture.ts";

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
  const owner = child("lock_child.ts", { args: [out], stdin: "piped" }).spawn();
  const heir = Number(await firstLine(owner.stdout));
  try {
    const error = await assertRejects(
      () => lockRun(out),
      Refusal,
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
    const error = await assertRejects(() => lockRun(temp.path), Refusal);
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
    await assertRejects(() => lockRun(temp.path), Refusal, `process ${Deno.pid}`);
  }
  using _again = await lockRun(temp.path);
});

Deno.test("lockRun() refuses a folder that cannot be made, in one line", async () => {
  using temp = new TempFolder();
  Deno.writeTextFileSync(`${temp.path}/file`, "");
  for (const out of [`${temp.path}/file`, `${temp.path}/file/run`]) {
    const error = await assertRejects(() => lockRun(out), Refusal, "Cannot use output folder");
    assertEquals(error.exit, "config");
    assertEquals(error.message.includes("\n"), false);
  }
});
