/** The kernels that GPUs get, on whatever adapter there is: the same bits for one worker and two. */
import { assert, assertEquals, assertLess, assertNotEquals } from "@std/assert";
import { variantName } from "../../../kernels/matmul/matmul_choice.ts";
import { productOf } from "../../../kernels/matmul/matmul.ts";
import { openReference } from "../../../src/device/reference.ts";
import type { Device } from "../../../src/device/types.ts";
import { openWebGpu } from "../../../src/device/webgpu.ts";
import type { Target } from "../../../src/graph/types.ts";
import { tinyConfig } from "../../support/gpt.ts";
import { lockstep } from "../../support/lockstep.ts";
import { onGpu } from "../../support/gpu.ts";

/** Names of rows that products got. */
const chosen = new Set<string>();

/** The adapter with the kernels of GPUs. */
async function openAsGpu(): Promise<Device> {
  const device = await openWebGpu({ runtime: Deno.version.deno });
  const target: Target = { ...device.target, kind: "gpu" };
  Object.assign(device, { target });
  const load = device.load.bind(device);
  device.load = (plan, memory) => {
    for (const call of plan.calls) {
      if (call.op.name === "matmul") chosen.add(variantName(productOf(call, call.attrs), target));
    }
    return load(plan, memory);
  };
  return device;
}

Deno.test(onGpu("with the kernels of GPUs two workers have the bits of one"), async () => {
  const config = tinyConfig({ steps: 2, micro_batches: 2, micro_batch_size: 64 });
  const run = async (world: number, openDevice: () => Promise<Device>) =>
    (await lockstep(config, { world, openDevice })).outcome;
  const one = await run(1, openAsGpu);
  assert([...chosen].some((name) => name.includes("slices")), [...chosen].join());
  assertEquals((await run(2, openAsGpu)).stateHash, one.stateHash);
  const reference = await run(1, () => Promise.resolve(openReference()));
  assertNotEquals(reference.stateHash, one.stateHash);
  assertLess(Math.abs(reference.loss - one.loss), 1e-4);
});
