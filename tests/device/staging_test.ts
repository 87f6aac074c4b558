/** Read-back, early and late: each read returns its own bytes. */
import { assertEquals } from "@std/assert";
import { openWebGpu } from "../../src/device/webgpu.ts";
import { onGpu } from "../support/gpu.ts";

/** Elements of 8 MiB. */
const LARGE = 2 ** 21;

for (const [name, runtime] of [["early", Deno.version.deno], ["late", ""]] as const) {
  Deno.test(onGpu(`${name} reads in quick succession each return their own bytes`), async () => {
    const device = await openWebGpu({ runtime });
    const memory = device.memory();
    memory.ensure("a", 5000);
    const at = (round: number) => Float32Array.from({ length: 5000 }, (_, i) => 10_000 * round + i);
    for (let round = 0; round < 30; round++) {
      memory.write("a", at(round));
      // Lengths vary, so that the pool has buffers of several sizes.
      const length = [1, 3, 5000, 1024, 2000][round % 5] as number;
      const offset = length === 5000 ? 0 : round;
      const values = await memory.read([{ slot: "a", offset, length }]);
      assertEquals(values, at(round).subarray(offset, offset + length), `round ${round}`);
    }
    device.close();
  });

  Deno.test(onGpu(`${name} overlapping reads each return their own bytes`), async () => {
    const device = await openWebGpu({ runtime });
    const memory = device.memory();
    memory.ensure("a", 64);
    for (let burst = 0; burst < 4; burst++) {
      const reads = Array.from({ length: 8 }, (_, i) => {
        memory.write("a", new Float32Array(64).fill(8 * burst + i));
        return memory.read([{ slot: "a", offset: 0, length: 64 }]);
      });
      const values = await Promise.all(reads);
      values.forEach((v, i) => assertEquals(new Set(v), new Set([8 * burst + i])));
    }
    device.close();
  });

  Deno.test(
    onGpu(`${name} reads of 8 MiB are complete, and unchanged when their buffer is reused`),
    async () => {
      const device = await openWebGpu({ runtime });
      const memory = device.memory();
      const length = LARGE;
      memory.ensure("a", length);
      const kept: Float32Array[] = [];
      for (let round = 0; round < 3; round++) {
        memory.write("a", Float32Array.from({ length }, (_, i) => i ^ round));
        kept.push(await memory.read([{ slot: "a", offset: 0, length }]));
      }
      kept.forEach((values, round) => {
        assertEquals(values.findIndex((v, i) => v !== (i ^ round)), -1);
      });
      device.close();
    },
  );
}
