/** What happens to a crew when one of it fails or vanishes. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { Refusal } from "../../src/base/refusal.ts";
import { openReference } from "../../src/device/reference.ts";
import type { Device } from "../../src/device/types.ts";
import { tinyConfig } from "../support/gpt.ts";
import { lockstep } from "../support/lockstep.ts";
import type { MemoryCrew } from "../support/crew.ts";

const onReference = () => Promise.resolve(openReference());

/** A device whose programs fail on run number `at`. */
function failing(at: number, error: Error): Device {
  const device = openReference();
  let runs = 0;
  return {
    ...device,
    load: async (plan, memory) => {
      const program = await device.load(plan, memory);
      return {
        run: () => {
          if (++runs === at) throw error;
          program.run();
        },
      };
    },
  };
}

/** The error of a run that must fail. */
function rejection(run: Promise<unknown>): Promise<Error> {
  return assertRejects(() => run, Error);
}

for (const world of [1, 3]) {
  Deno.test(`a device that cannot be opened ends ${world} worker(s) with its own line`, async () => {
    const refusal = new Refusal("noDevice", "Cannot find a WebGPU adapter: install a driver");
    const openDevice = (_: string, rank: number) =>
      rank === world - 1 ? Promise.reject(refusal) : onReference();
    const error = await rejection(lockstep(tinyConfig(), { world, openDevice }));
    assert(error instanceof Refusal);
    assertEquals([error.exit, error.message], ["noDevice", refusal.message]);
  });

  Deno.test(`a kernel that fails in step 2 ends ${world} worker(s), and names its rank`, async () => {
    const openDevice = (_: string, rank: number) =>
      rank === world - 1 ? Promise.resolve(failing(8, new Error("Out of luck"))) : onReference();
    const error = await rejection(lockstep(tinyConfig(), { world, openDevice }));
    const [line] = error.message.split("\n");
    assertEquals(line, `Worker ${world - 1} failed: Error: Out of luck`);
  });
}

for (const rank of [0, 1, 2]) {
  Deno.test(`worker ${rank} that vanishes after a step makes the run reject, and all end`, async () => {
    let crew: MemoryCrew | undefined;
    const run = lockstep(tinyConfig({ steps: 50 }), {
      world: 3,
      openDevice: onReference,
      watch: (event, running) => {
        crew = running;
        if (event.type === "step" && event.step === 2) running.kill(rank);
      },
    });
    const error = await rejection(run);
    assert(error instanceof Refusal);
    assertEquals(error.message, `Cannot go on: worker ${rank} is gone`);
    assert(crew);
    const ends = await Promise.all(crew.ends);
    assertEquals(ends.length, 3);
  });
}

Deno.test("a coordinator that goes away ends its workers quietly", async () => {
  let crew: MemoryCrew | undefined;
  const run = lockstep(tinyConfig({ steps: 50, checkpoint: { every: 1 } }), {
    world: 2,
    openDevice: onReference,
    watch: (event, running) => {
      crew = running;
      if (event.type === "step" && event.step === 3) throw new Error("The disk is full");
    },
  });
  const error = await rejection(run);
  assertEquals(error.message, "The disk is full");
  assert(crew);
  for (const end of await Promise.all(crew.ends)) {
    assert(end === undefined || end instanceof Error);
  }
});
