/** The promise of the system: the same bits for any number of workers, and after any resume. */
import { assert, assertEquals, assertLess, assertNotEquals } from "@std/assert";
import { openReference } from "../../../src/device/reference.ts";
import type { Device } from "../../../src/device/types.ts";
import { openWebGpu } from "../../../src/device/webgpu.ts";
import type { RunEvent } from "../../../src/report/events.ts";
import { tinyConfig, type TinyInput } from "../../support/gpt.ts";
import { lockstep, type RunRecord } from "../../support/lockstep.ts";
import { onGpu } from "../../support/gpu.ts";

const onReference = () => Promise.resolve(openReference());
const openGpu = () => openWebGpu({ runtime: Deno.version.deno });

const RUN: TinyInput = { steps: 3, model: { dropout: 0.2 }, report: { sample_length: 5 } };

function losses({ events }: RunRecord): number[] {
  return events.flatMap((e) => e.type === "step" ? [e.loss] : []);
}

/** What must not depend on the number of workers. */
function numbers(run: RunRecord) {
  const { stateHash, loss, valLoss } = run.outcome;
  const sample = run.events.find((e: RunEvent) => e.type === "sample");
  return { stateHash, loss, valLoss, losses: losses(run), sample };
}

Deno.test("1, 2, 3 and 4 workers give the same bits on the reference device", async () => {
  const config = tinyConfig(RUN);
  const one = numbers(await lockstep(config, { world: 1, openDevice: onReference }));
  assertEquals(one.losses.length, 3);
  assert(one.stateHash.length === 64 && Number.isFinite(one.valLoss));
  for (const world of [2, 3, 4]) {
    const many = numbers(await lockstep(config, { world, openDevice: onReference }));
    assertEquals(many, one, `${world} workers`);
  }
});

Deno.test(onGpu("1, 2, 3 and 4 workers give the same bits on the GPU"), async () => {
  const config = tinyConfig({ ...RUN, micro_batch_size: 1 });
  const one = numbers(await lockstep(config, { world: 1, openDevice: openGpu }));
  for (const world of [2, 3, 4]) {
    assertEquals(numbers(await lockstep(config, { world, openDevice: openGpu })), one);
  }
});

Deno.test(
  onGpu("the GPU and the reference device tell the same losses, but for rounding"),
  async () => {
    const config = tinyConfig({ ...RUN, report: { sample_length: 0 } });
    const [a, b] = [
      losses(await lockstep(config, { world: 1, openDevice: openGpu })),
      losses(await lockstep(config, { world: 1, openDevice: onReference })),
    ];
    a.forEach((loss, i) => assertLess(Math.abs(loss - (b[i] as number)), 1e-4));
  },
);

Deno.test("another seed gives other bits, the same seed the same", async () => {
  const hash = async (seed: number) => {
    const run = await lockstep(tinyConfig({ ...RUN, seed }), { world: 1, openDevice: onReference });
    return run.outcome.stateHash;
  };
  assertEquals(await hash(5), await hash(5));
  assertNotEquals(await hash(5), await hash(6));
});

Deno.test("training lowers the loss", async () => {
  const config = tinyConfig({ steps: 25, micro_batches: 1, optim: { lr: 1e-2, warmup_steps: 2 } });
  const all = losses(await lockstep(config, { world: 1, openDevice: onReference }));
  assertLess(all.at(-1) as number, (all[0] as number) - 0.1);
});

/** A run that is stopped after step 2, and then goes on with another number of workers. */
async function stopAndResume(openDevice: () => Promise<Device>, worlds: readonly [number, number]) {
  const config = tinyConfig({ ...RUN, steps: 5 });
  const stop = new AbortController();
  const first = await lockstep(config, {
    world: worlds[0],
    openDevice,
    stop: stop.signal,
    watch: (event) => {
      if (event.type === "step" && event.step === 2) stop.abort();
    },
  });
  assert(first.outcome.stopped && first.saved.length === 1);
  const from = first.saved[0];
  const second = await lockstep(config, { world: worlds[1], openDevice, from });
  const straight = await lockstep(config, { world: 1, openDevice });
  return { first, second, straight };
}

Deno.test("a resumed run equals one that never stopped, on any number of workers", async () => {
  for (const worlds of [[1, 1], [3, 2]] as const) {
    const { first, second, straight } = await stopAndResume(onReference, worlds);
    assertEquals([...losses(first), ...losses(second)], losses(straight));
    assertEquals(second.outcome.stateHash, straight.outcome.stateHash);
    assertEquals(second.outcome.valLoss, straight.outcome.valLoss);
    assertEquals(second.outcome.tokens, straight.outcome.tokens);
  }
});

Deno.test(onGpu("resume equals never having stopped on the GPU as well"), async () => {
  const { second, straight } = await stopAndResume(openGpu, [1, 2]);
  assertEquals(second.outcome.stateHash, straight.outcome.stateHash);
});

Deno.test("checkpoints and evaluations come when they are due, and change no bits", async () => {
  const plain = await lockstep(tinyConfig(RUN), { world: 1, openDevice: onReference });
  const config = tinyConfig({ ...RUN, eval: { every: 1, windows: 3 }, checkpoint: { every: 2 } });
  const busy = await lockstep(config, { world: 2, openDevice: onReference });
  assertEquals(losses(busy), losses(plain));
  assertEquals(busy.outcome.stateHash, plain.outcome.stateHash);
  assertEquals(busy.saved.map(({ manifest }) => manifest.step), [2, 3]);
  const steps = busy.events.flatMap((e) => e.type === "eval" ? [e.step] : []);
  assertEquals(steps, [1, 2, 3]);
});

Deno.test("a checkpoint of the last step can be resumed: nothing is left to do", async () => {
  const config = tinyConfig(RUN);
  const first = await lockstep(config, { world: 1, openDevice: onReference });
  const again = await lockstep(config, {
    world: 2,
    openDevice: onReference,
    from: first.saved.at(-1),
  });
  assertEquals(again.outcome.stateHash, first.outcome.stateHash);
  assertEquals([losses(again), again.saved], [[], []]);
  assertEquals(again.outcome.valLoss, first.outcome.valLoss);
});
