import { assertEquals, assertMatch } from "@std/assert";
import { TempFolder } from "../checkpoint/fixture.ts";
import { DISK, MOUNT, needing } from "../support/needs.ts";
import { denoRun, inNamespace } from "./disk.ts";

Deno.test({
  ...needing("a save on a full disk leaves the last checkpoint, and the next one works", MOUNT),
  fn: async () => {
    using temp = new TempFolder();
    const text = await inNamespace(
      `mount -t tmpfs -o size=4m none ${temp.path}\n${denoRun("small_disk_child.ts", temp.path)}`,
    );
    const [ahead, during, removed, after] = JSON.parse(text);
    // Known before a byte is written.
    assertEquals(ahead.exit, "tooLarge");
    assertMatch(ahead.message, /^Cannot save to \S+: 1\.3 MB must be free: 0\.\d MB are$/);
    // Room that was there is taken meanwhile: the system's own error, at each file.
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
    // Its name was made to last, its bytes were not: only that makes a control.
    assertEquals(control.loads, 1);
    assertEquals(control.skipped.length, 1);
    assertMatch(control.skipped[0] ?? "", /^step-00000002: /);
  },
});

/** Saves steps 1 and 2 on an ext4 of its own, which is cut off at `point` of the second. */
async function cutPower(
  point: string,
): Promise<{ loads: number; names: string[]; skipped: string[] }> {
  using temp = new TempFolder();
  const [image, disk] = [`${temp.path}/image`, `${temp.path}/disk`];
  Deno.mkdirSync(disk);
  const text = await inNamespace(`
    truncate -s 16M ${image}
    mkfs.ext4 -q -F ${image}
    mount -o loop ${image} ${disk}
    ${denoRun("power_cut_child.ts", disk, point)}
    umount ${disk}
    mount -o loop ${image} ${disk}
    ${denoRun("power_cut_child.ts", disk, "load")}
    umount ${disk}
  `);
  return JSON.parse(text);
}
