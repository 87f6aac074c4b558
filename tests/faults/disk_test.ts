import { assert, assertEquals, assertMatch } from "@std/assert";
import { TempFolder } from "../checkpoint/fixture.ts";
import { DISK, MOUNT, needing, STRACE } from "../support/needs.ts";
import { denoRun, inNamespace } from "./support/disk.ts";

Deno.test({
  ...needing("a save on a full disk leaves the last checkpoint, and the next one works", MOUNT),
  fn: async () => {
    using temp = new TempFolder();
    const text = await inNamespace(
      `mount -t tmpfs -o size=4m none ${temp.path}\n${denoRun("small_disk_child.ts", temp.path)}`,
    );
    const [ahead, during, removed, after] = JSON.parse(text);
    // Detected before any byte is written.
    assertEquals(ahead.exit, "tooLarge");
    assertMatch(ahead.message, /^Cannot save to \S+: 1\.3 MB must be free: 0\.\d MB are$/);
    // The disk fills up during the save: the system's error, at each file.
    for (const one of [ahead, ...during]) {
      assertEquals(one.exit, "tooLarge");
      assertEquals(one.names, ["filler", "step-00000001"]);
      assertEquals(one.loads, 1);
    }
    assertEquals(during.map(({ message }: { message: string }) => message.replace(/ to .*:/, "")), [
      "Cannot save the disk is full; make room and run it again",
      "Cannot save the disk is full; make room and run it again",
      "Cannot save the disk is full; make room and run it again",
    ]);
    assertEquals(during.map(({ at }: { at: string }) => at), [
      "fill model.safetensors",
      "fill optimizer.safetensors",
      "fill manifest.json",
    ]);
    assertEquals(removed, []); // Room is never made by removing the last good one.
    assertEquals(after, { names: ["step-00000001", "step-00000002"], loads: 2 });
  },
});

for (const point of ["fill optimizer.safetensors", "sync folder", "publish", "sync root"]) {
  Deno.test({
    ...needing(`a power cut before "${point}" leaves a checkpoint that verifies`, DISK),
    fn: async () => {
      const { loads, names } = await cutPower(point);
      // All but the sync of the root are before the rename is on disk.
      assertEquals(loads, 1);
      assertEquals(names.filter((name) => name.startsWith("step-")), ["step-00000001"]);
    },
  });
}

Deno.test({
  ...needing(
    "what was saved outlives a power cut, what was not synced is found to be damaged",
    DISK,
  ),
  fn: async () => {
    assertEquals((await cutPower("after")).loads, 2);
    const control = await cutPower("unsynced");
    // Control: its name was synced, its bytes were not.
    assertEquals(control.loads, 1);
    assertEquals(control.skipped.length, 1);
    assertMatch(control.skipped[0] ?? "", /^step-00000002: /);
  },
});

Deno.test({
  ...needing("a power cut after a checkpoint leaves no gap in what was recorded up to it", DISK),
  fn: async () => {
    using temp = new TempFolder();
    const text = await onDisk(temp.path, [["power_cut_run.ts", "cut"], [
      "power_cut_run.ts",
      "resume",
    ]]);
    const [left, ended] = text.trim().split("\n").map((line) => JSON.parse(line));
    // Step 5 may have been recorded before the checkpoint existed.
    assertEquals({ ...left, steps: left.steps.slice(0, 4) }, {
      saved: [2, 4],
      steps: [1, 2, 3, 4],
      samples: [2, 4],
      // The entry of the last checkpoint is written after it.
      journal: { fault: null, saved: [2] },
    });
    assertEquals(ended.steps, [1, 2, 3, 4, 5, 6]);
    assertEquals(ended.samples, [2, 4, 6]);
  },
});

Deno.test({
  ...needing(
    "what was recorded is on the disk before the checkpoint of its step is published",
    STRACE,
  ),
  fn: async () => {
    using temp = new TempFolder();
    const log = `${temp.path}/log`;
    const calls = "-s 100000 -e trace=write,fsync,rename,renameat,renameat2";
    const script = `TMPDIR=${temp.path} strace -f -qq -y ${calls} -o ${log} ` +
      denoRun("power_cut_run.ts", temp.path, "train");
    const { success } = await new Deno.Command("sh", { args: ["-c", script] }).output();
    assert(success);
    // The records of each file, and those that are on disk.
    const written = new Map<string, string[]>();
    const durable = new Map<string, string[]>();
    const published: number[] = [];
    for (const line of Deno.readTextFileSync(log).split("\n")) {
      const [, call = ""] = /^\d+ +(\w+)\(/.exec(line) ?? [];
      const [name = ""] = /(?:journal|metrics|samples)(?=\.jsonl>)/.exec(line) ?? [];
      const [, , step = ""] = /\/(\.tmp-)?step-0*(\d+)"/.exec(line) ?? [];
      if (call === "write") {
        const found = [...line.matchAll(/(saved)?\\",\\"step\\":(\d+)|\{\\"step\\":(\d+)/g)];
        const told = found.flatMap(([, saved, at, step]) => saved ? [at] : step ?? []) as string[];
        written.set(name, [...written.get(name) ?? [], ...told]);
      } else if (call === "fsync") durable.set(name, [...written.get(name) ?? []]);
      else if (call.startsWith("rename") && line.includes("/.tmp-step-")) {
        const n = Number(step);
        published.push(n);
        const has = (name: string, steps: number[]) =>
          steps.every((step) => durable.get(name)?.includes(String(step)));
        assert(has("metrics", Array.from({ length: n }, (_, i) => i + 1)), `metrics before ${n}`);
        assert(has("samples", n === 6 ? [2, 4] : [n]), `samples before ${n}`);
        assert(has("journal", published.slice(0, -1)), `journal before ${n}`);
      }
    }
    assertEquals(published, [2, 4, 6]);
  },
});

/** Saves steps 1 and 2 on a separate ext4, which is shut down at `point` of the second. */
async function cutPower(
  point: string,
): Promise<{ loads: number; names: string[]; skipped: string[] }> {
  using temp = new TempFolder();
  const text = await onDisk(temp.path, [
    ["power_cut_child.ts", point],
    ["power_cut_child.ts", "load"],
  ]);
  return JSON.parse(text);
}

/**
 * Runs scripts next to this file on a separate ext4, below `folder`, that is remounted for each;
 * returns their output. Temporary files are on it too.
 */
async function onDisk(
  folder: string,
  scripts: readonly (readonly [script: string, word: string])[],
): Promise<string> {
  const [image, disk] = [`${folder}/image`, `${folder}/disk`];
  Deno.mkdirSync(disk);
  const runs = scripts.map(([script, word]) => `
    mount -o loop ${image} ${disk}
    TMPDIR=${disk} ${denoRun(script, disk, word)}
    umount ${disk}`);
  return await inNamespace(`
    truncate -s 16M ${image}
    mkfs.ext4 -q -F ${image}${runs.join("")}
  `);
}
