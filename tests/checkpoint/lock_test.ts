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
      `Output folder ${out} is in use by process ${owner.pid}`,
    );
    assertEquals(error.exit, "locked");
    owner.kill("SIGKILL");
    await owner.status;
    using _lock = await lockRun(out);
    assertEquals(Deno.readTextFileSync(`${out}/.lock`), `${Deno.pid}\n`);
  } finally {
    await owner.stdin.close().catch(() => {});
    Deno.kill(heir, "SIGKILL");
  }
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
