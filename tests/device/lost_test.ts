/** Loss of a device surfaces in its `lost` promise and in every read. */
import { assert, assertEquals, assertNotEquals, assertRejects } from "@std/assert";
import { sumOp, treeAddOp } from "../../kernels/reduce/mod.ts";
import { openWebGpu } from "../../src/device/webgpu.ts";
import type { Op } from "../../src/graph/types.ts";
import { planOf } from "../../src/testing/cases.ts";
import { onGpu } from "../support/gpu.ts";

const STRETCH = [{ slot: "a", offset: 0, length: 4 }];

for (const [name, runtime] of [["early", Deno.version.deno], ["late", ""]] as const) {
  for (const reads of [0, 1, 3]) {
    Deno.test(
      onGpu(`${name} reads of a lost device fail, after ${reads} successful ones`),
      async () => {
        const device = await openWebGpu({ runtime });
        const memory = device.memory();
        memory.ensure("a", 4);
        memory.write("a", Float32Array.of(1, 2, 3, 4));
        for (let i = 0; i < reads; i++) {
          assertEquals([...await memory.read(STRETCH)], [1, 2, 3, 4]);
          // The buffer of an early read returns to its pool some milliseconds later.
          await new Promise((resolve) => setTimeout(resolve, 30));
        }
        device.close();
        for (let i = 0; i < 2; i++) await assertRejects(() => memory.read(STRETCH));
        assertEquals(typeof await device.lost, "string");
      },
    );
  }
}

Deno.test(
  onGpu("the hash of a device's kernels depends on the set only, not on the order"),
  async () => {
    const hashAfter = async (...ops: Op[]) => {
      const device = await openWebGpu({ runtime: Deno.version.deno });
      for (const op of ops) {
        const inputs = [5, 5].slice(0, op === sumOp ? 1 : 2)
          .map((n) => ({ shape: [n], dtype: "f32" as const }));
        await device.load(planOf(op, inputs, {}), device.memory());
      }
      const { shaders } = device;
      device.close();
      return shaders;
    };
    const both = await hashAfter(sumOp, treeAddOp);
    assert(/^[0-9a-f]{64}$/.test(both));
    assertEquals(await hashAfter(treeAddOp, sumOp, sumOp), both);
    assertNotEquals(await hashAfter(sumOp), both);
    assertNotEquals(await hashAfter(), both);
  },
);
