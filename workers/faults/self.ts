/** The coordinator's own faults, for tests of the program itself. */
import type { Faults } from "./plan.ts";
import type { CoordinatorFault } from "./schema.ts";

/** Time in which a signal arrives, ms. */
const SIGNAL_MS = 100;

/**
 * A function that injects the coordinator's faults at a point of a step.
 * @throws an error with the code ENOSPC for `enospc`
 */
export function injectOwnFaults(faults: Faults): (point: string, step: number) => Promise<void> {
  return async (point, step) => {
    for (const action of faults.own(step, point)) await inject(action);
  };
}

async function inject(action: CoordinatorFault["do"]): Promise<void> {
  if (action === "enospc") {
    throw Object.assign(new Error("No space left on device"), { code: "ENOSPC" });
  }
  Deno.kill(Deno.pid, action.toUpperCase() as Deno.Signal);
  await new Promise((resolve) => setTimeout(resolve, SIGNAL_MS));
}
