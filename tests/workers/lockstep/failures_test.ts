/** What happens to a run when a worker of it fails or vanishes: nothing that shows in its bits. */
import { assert, assertEquals, assertNotEquals, assertRejects } from "@std/assert";
import { UserError } from "../../../src/base/user_error.ts";
import { openReference } from "../../../src/device/reference.ts";
import type { Device } from "../../../src/device/types.ts";
import type { RunConfig } from "../../../src/config/schema.ts";
import { memoryPair } from "../../../src/transport/memory.ts";
import { coordinate } from "../../../workers/coordinator/coordinator.ts";
import type { LaunchWorkers } from "../../../workers/launch/processes.ts";
import { Faults } from "../../../workers/faults/plan.ts";
import type { FaultPlan, WorkerFault } from "../../../workers/faults/schema.ts";
import { faultPlanSchema } from "../../../workers/faults/schema.ts";
import { tinyConfig } from "../../support/gpt.ts";
import { letters, lockstep, type RunRecord } from "../../support/lockstep.ts";
import { tinyRecurrent } from "../../support/recurrent.ts";

const onReference = () => Promise.resolve(openReference());
/** Deadlines of tests: nothing that a tiny model does takes half a second. */
const rules = { floor: 500, unmeasured: 5000, silence: 300, tick: 20 };

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

/** A run whose workers meet a fault plan. */
function runWithFaults(config: RunConfig, world: number, plan: unknown): Promise<RunRecord> {
  const faults = new Faults(faultPlanSchema.parse(plan) as FaultPlan);
  return lockstep(config, { world, openDevice: onReference, faults, rules });
}

function losses({ events }: RunRecord): [number, number][] {
  return events.flatMap((e) => e.type === "step" ? [[e.step, e.loss] as [number, number]] : []);
}

Deno.test("what workers said last is told, even where their processes' ends are noticed first", async () => {
  const message = "Cannot find a WebGPU adapter: install a driver";
  const launch: LaunchWorkers = (_, report) =>
    Promise.resolve({
      spawn(id) {
        const [near, far] = memoryPair({ attempt: 0 });
        report({ type: "joined", id, channel: near });
        far.receive().then(async () => {
          report({ type: "ended", id, why: "its process ended with code 69", killed: false });
          await new Promise((resolve) => setTimeout(resolve, 50)); // a coordinator that is busy
          // The first that is read ends the run, and with it the channels of the others.
          await far.send({ type: "failed", exit: "noDevice", message }).catch(() => {});
          far.close();
        });
      },
      signal() {},
      close: () => Promise.resolve(),
    });
  const error = await rejection(coordinate({
    config: { ...tinyConfig(), workers: 4 },
    corpus: letters(tinyConfig()),
    launch,
    report: () => {},
    save: () => Promise.resolve(undefined),
    now: () => performance.now() / 1000,
  }));
  assertEquals([error instanceof UserError && error.exit, error.message], ["noDevice", message]);
});

for (const world of [1, 3]) {
  Deno.test(`a device that cannot be opened ends ${world} worker(s) with its own line`, async () => {
    const refusal = new UserError("noDevice", "Cannot find a WebGPU adapter: install a driver");
    const openDevice = (_: string, id: number) =>
      id === world - 1 ? Promise.reject(refusal) : onReference();
    const error = await rejection(lockstep(tinyConfig(), { world, openDevice }));
    assert(error instanceof UserError);
    assertEquals([error.exit, error.message], ["noDevice", refusal.message]);
  });

  Deno.test(`a kernel that fails on every worker ends ${world} worker(s), not after a hundred tries`, async () => {
    let opened = 0;
    const openDevice = () => {
      opened++;
      return Promise.resolve(failing(8, new Error("Out of luck")));
    };
    const error = await rejection(lockstep(tinyConfig({ steps: 9 }), { world, openDevice, rules }));
    const [line = ""] = error.message.split("\n");
    assert(/^Worker \d failed: Error: Out of luck$/.test(line), line);
    // Once more than it fails: a replacement may start before the reply of the failed worker is handled.
    assert(opened <= 3 * world, `${opened} workers were started`);
  });
}

/** Failures of a worker that is to replace another: of its device, of its code, of what it needs. */
const UNFIT: Readonly<Record<string, Error>> = {
  "no device": new UserError("noDevice", "Cannot find a WebGPU adapter: the card is gone"),
  "too little memory": new UserError("tooLarge", "Cannot fit the model: 1 byte is free"),
  "an error": new Error("Out of luck"),
};

for (const [what, error] of Object.entries(UNFIT)) {
  Deno.test(`a replacement with ${what} ends no run that others hold, and they save at once`, async () => {
    const config = tinyConfig({ steps: 12, checkpoint: { every: 100 } });
    const straight = await lockstep(config, { world: 1, openDevice: onReference });
    const faults = new Faults(
      faultPlanSchema.parse([
        { at: { step: 2, rank: 1, point: "summed" }, do: "sigkill" },
        ...[3, 4, 5, 6].map((step) => ({
          at: { step, rank: 0, point: "summed" },
          do: "delay",
          ms: 150,
        })),
      ]) as FaultPlan,
    );
    let refused = 0;
    const openDevice = (_: string, id: number) => {
      if (id < 2) return onReference();
      refused++;
      return Promise.reject(error);
    };
    const run = await lockstep(config, { world: 2, openDevice, faults, rules });
    assertEquals(run.outcome.stateHash, straight.outcome.stateHash);
    assertEquals(losses(run), losses(straight));
    assert(refused >= 2, `${refused} tries`);
    const said = run.events.flatMap((e) => e.type === "notice" ? [e.text] : [])
      .filter((text) => text.startsWith("Cannot start another worker: "));
    assertEquals(said.length, 1, said.join("\n"));
    assert(said[0]?.endsWith("; going on with 1 of 2 workers"), said[0]);
    assert((run.saved[0]?.manifest.step ?? 12) < 12, "nothing was saved before the end");
  });
}

Deno.test("a kernel that fails once costs a worker and no bit", async () => {
  const config = tinyConfig({ steps: 6 });
  const straight = await lockstep(config, { world: 1, openDevice: onReference });
  const openDevice = (_: string, id: number) =>
    id === 1 ? Promise.resolve(failing(8, new Error("Out of luck"))) : onReference();
  const run = await lockstep(config, { world: 3, openDevice, rules });
  assertEquals(run.outcome.stateHash, straight.outcome.stateHash);
  assertEquals(losses(run), losses(straight));
});

const CONFIGS: Readonly<Record<string, RunConfig>> = {
  gpt: tinyConfig({ steps: 8, checkpoint: { every: 3 }, eval: { every: 4, windows: 7 } }),
  lstm: tinyRecurrent({
    steps: 8,
    checkpoint: { every: 3 },
    data: { bptt: 9, validation: 0.5 },
    model: { kind: "recurrent", cell: "lstm", layers: 2 },
  }),
};
const POINTS: readonly WorkerFault["at"]["point"][] = [
  "forward",
  "exchange",
  "summed",
  "voted",
  "apply",
];

for (const [name, config] of Object.entries(CONFIGS)) {
  Deno.test(`${name}: a worker lost at any point of a step costs no step and no bit`, async (t) => {
    const straight = await lockstep(config, { world: 1, openDevice: onReference });
    for (const point of POINTS) {
      for (const rank of [0, 2]) {
        await t.step(`rank ${rank} of 3 at ${point}`, async () => {
          const run = await runWithFaults(config, 3, [{
            at: { step: 4, rank, point },
            do: "sigkill",
          }]);
          assertEquals(run.outcome.stateHash, straight.outcome.stateHash);
          assertEquals(run.outcome.valLoss, straight.outcome.valLoss);
          assertEquals(losses(run), losses(straight));
          assertEquals(run.notes.filter(({ kind }) => kind === "rewind"), []);
          assertEquals(lostIn(run).length, 1);
        });
      }
    }
  });

  Deno.test(`${name}: two workers lost in one step, and the one that replaces them`, async () => {
    const straight = await lockstep(config, { world: 1, openDevice: onReference });
    const run = await runWithFaults(config, 4, [
      { at: { step: 2, rank: 0, point: "forward" }, do: "sigkill" },
      { at: { step: 2, rank: 3, point: "exchange" }, do: "sigkill" },
      { at: { step: 5, rank: 2, point: "apply" }, do: "throw" },
      { at: { step: 6, rank: 0, point: "summed" }, do: "hang" },
    ]);
    assertEquals(run.outcome.stateHash, straight.outcome.stateHash);
    assertEquals(losses(run), losses(straight));
  });

  Deno.test(`${name}: a lone worker that is lost goes back to the last checkpoint`, async () => {
    const straight = await lockstep(config, { world: 1, openDevice: onReference });
    const at = { step: 4, rank: 0, point: "summed" };
    const run = await runWithFaults(config, 1, [{ at, do: "sigkill" }]);
    assertEquals(run.outcome.stateHash, straight.outcome.stateHash);
    assertEquals(run.notes.find(({ kind }) => kind === "rewind")?.note["to"], 3);
  });
}

Deno.test("a lone worker that is lost before the first checkpoint begins anew", async () => {
  const config = tinyConfig({ steps: 5 });
  const straight = await lockstep(config, { world: 1, openDevice: onReference });
  const at = { step: 2, rank: 0, point: "forward" };
  const run = await runWithFaults(config, 1, [{ at, do: "sigkill" }]);
  assertEquals(run.outcome.stateHash, straight.outcome.stateHash);
  assertEquals(run.notes.find(({ kind }) => kind === "rewind")?.note["to"], 0);
});

Deno.test("a gradient that is NaN once is computed again, and costs no bit", async () => {
  const config = tinyConfig({ steps: 6 });
  const straight = await lockstep(config, { world: 1, openDevice: onReference });
  for (const [world, point] of [[1, "summed"], [2, "forward"], [3, "summed"]] as const) {
    const run = await runWithFaults(config, world, [{
      at: { step: 3, rank: 0, point },
      do: "nan",
    }]);
    assertEquals(run.outcome.stateHash, straight.outcome.stateHash, `${world} at ${point}`);
    assertEquals(lostIn(run), []);
  }
});

Deno.test("a flipped bit of a parameter is found, and what came of it is undone", async () => {
  const config = tinyConfig({ steps: 8, checkpoint: { every: 3 }, guard: { hash_every: 2 } });
  const straight = await lockstep(config, { world: 1, openDevice: onReference });
  const at = { step: 3, rank: 2, point: "apply" };
  const run = await runWithFaults(config, 3, [{ at, do: "flip" }]);
  assertEquals(run.outcome.stateHash, straight.outcome.stateHash);
  const drift = run.notes.find(({ kind }) => kind === "drift")?.note;
  assertEquals([drift?.["step"], drift?.["odd"]], [4, [2]]);
});

Deno.test("more losses than the budget allows end the run, and say how many", async () => {
  const config = tinyConfig({ steps: 40, recovery: { restarts: 2 } });
  const plan = [2, 4, 6].map((step) => ({
    at: { step, rank: 0, point: "summed" },
    do: "sigkill",
    times: 9,
  }));
  const error = await rejection(runWithFaults(config, 2, plan));
  assert(error instanceof UserError);
  assertEquals(error.exit, "lost");
  assert(error.message.includes("recovery.restarts allows 2"), error.message);
});

Deno.test("a slow worker gets fewer micro-batches, and the bits stay", async () => {
  const config = tinyConfig({ steps: 18, micro_batches: 8 });
  const straight = await lockstep(config, { world: 1, openDevice: onReference });
  // Both compute in this process: the delay must stand out from whatever else keeps it busy.
  const plan = Array.from({ length: 18 }, (_, step) => ({
    at: { step, rank: 1, point: "forward" },
    do: "delay",
    ms: 400,
  }));
  const run = await runWithFaults(config, 2, plan);
  assertEquals(run.outcome.stateHash, straight.outcome.stateHash);
  const said = run.notes.map(({ note }) => String(note["reason"]));
  assert(said.some((text) => /^shares 4\+4 become [5-7]\+[1-3]: per/.test(text)), said.join("\n"));
});

Deno.test("a coordinator that goes away ends its workers quietly", async () => {
  const run = lockstep(tinyConfig({ steps: 50, checkpoint: { every: 1 } }), {
    world: 2,
    openDevice: onReference,
    watch: (event) => {
      if (event.type === "step" && event.step === 3) throw new Error("The disk is full");
    },
  });
  assertEquals((await rejection(run)).message, "The disk is full");
});

Deno.test("another seed is another state, so that equal hashes say something", async () => {
  const hash = async (seed: number) =>
    (await lockstep(tinyConfig({ seed }), { world: 1, openDevice: onReference })).outcome.stateHash;
  assertNotEquals(await hash(1), await hash(2));
});

function lostIn({ notes }: RunRecord): string[] {
  return notes.map(({ note }) => String(note["reason"])).filter((text) => text.includes("is lost"));
}
