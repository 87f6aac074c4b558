/** Norms of rows whose squares underflow or overflow f32; NaN and infinity. */
import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { rowNormsOp } from "../../kernels/reduce/mod.ts";
import type { Device } from "../../src/device/types.ts";
import { openReference } from "../../src/device/reference.ts";
import { openWebGpu } from "../../src/device/webgpu.ts";
import { planOf } from "../../src/testing/cases.ts";
import { onDevice } from "../support/gpu.ts";

/** Norms of rows [3 u, 4 u] for each unit u. */
async function normsOf(device: Device, units: readonly number[]): Promise<number[]> {
  const memory = device.memory();
  const inputs = [{ shape: [units.length, 2], dtype: "f32" as const }];
  const program = await device.load(planOf(rowNormsOp, inputs, {}), memory);
  memory.write("x0", Float32Array.from(units.flatMap((u) => [3 * u, -4 * u])));
  program.run();
  return Array.from(await memory.read([{ slot: "y0", offset: 0, length: units.length }]));
}

const UNITS = [0, 1, 1e-30, 1e-37, 1e20, 6e37];

for (
  const [place, open] of [["the reference", openReference], [
    "the GPU",
    () => openWebGpu({ runtime: Deno.version.deno }),
  ]] as const
) {
  Deno.test(
    onDevice(place, `the norm of [3, -4] times u is 5 u, small, large or 0, on ${place}`),
    async () => {
      const device = await open();
      const norms = await normsOf(device, UNITS);
      norms.forEach((norm, i) => {
        const want = 5 * (UNITS[i] as number);
        assertAlmostEquals(norm, want, 1e-6 * want, `unit ${UNITS[i]} on ${device.name}`);
      });
      device.close();
    },
  );
}

Deno.test("the norm of a row with an infinity or a NaN is not finite", async () => {
  const [infinite, nan] = await normsOf(openReference(), [Infinity, NaN]);
  assertEquals(infinite, Infinity);
  assert(Number.isNaN(nan));
});
