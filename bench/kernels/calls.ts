/** Times single calls of a plan, or a few in a row. */
import type { Device, Memory } from "../../src/device/types.ts";
import type { Call } from "../../src/graph/types.ts";
import type { Plan, Region } from "../../src/plan/types.ts";
import type { Budget, Round } from "../time.ts";
import { roundOf, secondsOf } from "../time.ts";

/** Most repetitions per pass; a training step has at least as many calls per pass. */
const MAX_IN_PASS = 64;

/** The device and memory of timed calls; its input buffers must be filled. */
export interface Place {
  readonly device: Device;
  readonly memory: Memory;
  readonly budget: Budget;
}

/**
 * Rounds of `calls` of `plan`, at least one. They are repeated within a pass, as calls of a step
 * follow each other, so that what a submission costs by itself does not count.
 */
export async function roundOfCalls(
  plan: Plan,
  calls: readonly Call<Region>[],
  { device, memory, budget }: Place,
): Promise<Round> {
  const output = calls.at(-1)?.outputs[0] as Region;
  const slot = plan.slots[output.slot]?.name as string;
  const wait = () => memory.read([{ slot, offset: output.offset, length: 1 }]);
  const load = (times: number) =>
    device.load({ ...plan, calls: Array.from({ length: times }, () => calls).flat() }, memory);
  const once = await load(1);
  once.run();
  await wait();
  const rough = await secondsOf(() => {
    once.run();
    return wait();
  });
  const fit = Math.floor(budget.roundSeconds / 10 / rough);
  const inPass = Math.min(MAX_IN_PASS, Math.max(1, fit));
  const many = await load(inPass);
  const round = await roundOf({ run: () => many.run(), wait }, budget);
  return async () => await round() / inPass;
}

/** `plan` with its local slots shared by name, so that programs of single calls can use them. */
export function sharing(plan: Plan, prefix: string): Plan {
  const slots = plan.slots.map((slot) =>
    slot.role === "local"
      ? { ...slot, name: `${prefix}/${slot.name}`, role: "scalar" as const }
      : slot
  );
  return { ...plan, slots };
}
