/**
 * Every model has one state on each device, whatever the number of workers, with a worker that is
 * killed, and resumed with another number of workers.
 */
import { assert, assertEquals } from "@std/assert";
import type { RunConfig } from "../../../src/config/schema.ts";
import { openCpu } from "../../../src/device/cpu.ts";
import { openReference } from "../../../src/device/reference.ts";
import type { Device } from "../../../src/device/types.ts";
import { openWebGpu } from "../../../src/device/webgpu.ts";
import { Faults } from "../../../workers/faults/plan.ts";
import { type FaultPlan, faultPlanSchema } from "../../../workers/faults/schema.ts";
import { lockstep, type LockstepOptions, type RunRecord } from "../../support/lockstep.ts";
import { onGpu } from "../../support/gpu.ts";
import { TINY_RUNS, tinyRun } from "../../support/models.ts";

const DEVICES: Readonly<Record<string, () => Promise<Device>>> = {
  reference: () => Promise.resolve(openReference()),
  cpu: () => Promise.resolve(openCpu()),
  webgpu: () => openWebGpu({ runtime: Deno.version.deno }),
};

/** Deadlines: nothing that a tiny model does takes half a second, but to compile it may. */
const rules = { floor: 2000, unmeasured: 20_000, silence: 2000, tick: 20 };

/** A plan that kills the worker of rank 1 when its slice of step 1 is summed. */
const killed = () =>
  new Faults(
    faultPlanSchema.parse([{
      at: { step: 1, rank: 1, point: "exchange" },
      do: "sigkill",
    }]) as FaultPlan,
  );

/** What must be the same in every run. */
function resultOf({ outcome: { stateHash, valLoss }, events }: RunRecord) {
  return { stateHash, valLoss, sample: events.find(({ type }) => type === "sample") };
}

for (const [device, openDevice] of Object.entries(DEVICES)) {
  const named = (name: string) => device === "webgpu" ? onGpu(name) : { name };
  Deno.test({
    ...named(`each model has one state whatever its workers do, on ${device}`),
    fn: async (t: Deno.TestContext) => {
      for (const [name, run] of Object.entries(TINY_RUNS)) {
        const config = tinyRun(run, { checkpoint: { every: 2 } });
        const after = (world: number, options: Partial<LockstepOptions> = {}) =>
          lockstep(config as RunConfig, { world, openDevice, rules, ...options });
        await t.step(name, async () => {
          const one = await after(1);
          const want = resultOf(one);
          // Each run on the GPU compiles its kernels anew.
          if (device !== "webgpu") assertEquals(resultOf(await after(4)), want);
          const faults = killed();
          assertEquals(resultOf(await after(2, { faults })), want);
          const resumed = await after(2, { from: one.saved[0] });
          assert(one.saved[0] !== undefined);
          assertEquals(resultOf(resumed), want);
        });
      }
    },
  });
}
