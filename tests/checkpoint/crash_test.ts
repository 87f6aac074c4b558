import { assert, assertEquals } from "@std/assert";
import { fileURLToPath } from "node:url";
import { SAVE_POINTS, saveCheckpoint } from "../../src/checkpoint/commit.ts";
import { loadNewest } from "../../src/checkpoint/load.ts";
import { cleanLeftovers } from "../../src/checkpoint/retention.ts";
import { needing, STRACE } from "../support/needs.ts";
import { child, draftOf, hashOf, names, TempFolder } from "./fixture.ts";

const onSkip = (path: string, reason: string) => {
  throw new Error(`${path} was skipped: ${reason}`);
};

async function killAt(point: string): Promise<void> {
  using temp = new TempFolder();
  await saveCheckpoint(temp.path, draftOf(100));
  const { signal } = await child("crash_child.ts", {
    args: [temp.path, "200", point],
    stdin: "null",
  }).output();
  assertEquals(signal, "SIGKILL", point);
  // The rename publishes the checkpoint.
  const published = SAVE_POINTS.indexOf(point) > SAVE_POINTS.indexOf("publish");
  assertEquals((await loadNewest(temp.path, { onSkip })).manifest.step, published ? 200 : 100);
  const left = await cleanLeftovers(temp.path);
  assertEquals(left.length, published || point === "create folder" ? 0 : 1, point);
  const steps = published ? ["step-00000100", "step-00000200"] : ["step-00000100"];
  assertEquals(names(temp.path), steps);
  await saveCheckpoint(temp.path, draftOf(200));
  const { stateHash } = (await loadNewest(temp.path, { onSkip })).manifest;
  assertEquals(stateHash, hashOf(draftOf(200)));
}

Deno.test("a process killed at any point of a save leaves the old or the new step", async () => {
  for (let i = 0; i < SAVE_POINTS.length; i += 2) {
    await Promise.all(SAVE_POINTS.slice(i, i + 2).map(killAt));
  }
});

Deno.test({
  ...needing("a save syncs each file, then its folder, renames, and syncs the root", STRACE),
  fn: async () => {
    using temp = new TempFolder();
    const script = fileURLToPath(new URL("crash_child.ts", import.meta.url));
    const log = `${temp.path}/log`;
    const args = ["-f", "-qq", "-y", "-e", "trace=fsync,rename,renameat,renameat2", "-o", log];
    const run = ["run", "--quiet", "--no-prompt", "--no-check", "-A"];
    const { success } = await new Deno.Command("strace", {
      args: [...args, Deno.execPath(), ...run, script, `${temp.path}/root`, "7", "never"],
      stdout: "null",
      stderr: "inherit",
    }).output();
    assert(success);
    const folder = `${temp.path}/root`;
    const seen = [...Deno.readTextFileSync(log).matchAll(/(fsync|rename\w*)\((.*)$/gm)]
      .filter(([line]) => line.includes(folder))
      .map(([, call, rest]) => `${call?.slice(0, 6)} ${/([^/<>"]*)[>"]/.exec(tail(rest))?.[1]}`);
    const temps = seen.map((call) => call.replace(/\.tmp-\S+/, "TEMP").trim());
    assertEquals(temps, [
      "fsync model.safetensors",
      "fsync optimizer.safetensors",
      "fsync manifest.json",
      "fsync TEMP",
      "rename step-00000007",
      "fsync root",
    ]);
  },
});

/** The last path of a call. */
function tail(rest: string | undefined): string {
  return (rest ?? "").slice((rest ?? "").lastIndexOf("/") + 1);
}
