/** The coordinator's own faults, for tests of the program itself. */
import type { CoordinatorFault } from "./schema.ts";

/** Time in which a signal arrives. */
const SIGNAL_MS = 100;

/** Does a deed of a plan to this process. @throws an error with the code ENOSPC for `enospc`. */
export async function injectOwnFault(deed: CoordinatorFault["do"]): Promise<void> {
  if (deed === "enospc") {
    throw Object.assign(new Error("No space left on device"), { code: "ENOSPC" });
  }
  Deno.kill(Deno.pid, deed.toUpperCase() as Deno.Signal);
  await new Promise((resolve) => setTimeout(resolve, SIGNAL_MS));
}
