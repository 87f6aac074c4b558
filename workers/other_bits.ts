/** Whether a run can be expected to have the bits that its checkpoint would have gone on with. Pure. */
import { isSameAdapter } from "../src/device/backend.ts";

/** What bits are a promise for. */
export interface Computed {
  readonly adapter: string;
  /** Class of devices that kernels were chosen for; empty where that is not known. */
  readonly kernels: string;
}

/** Why a run's bits may not be those that its checkpoint would have gone on with, if so. */
export function otherBits(
  { adapter, kernels }: Computed,
  run: Computed,
): string | undefined {
  const so = "its numbers may differ in the last bits";
  if (!isSameAdapter(adapter, run.adapter)) {
    return `The checkpoint was computed on ${adapter}, this run on ${run.adapter}: ${so}`;
  }
  // Older checkpoints do not say.
  if (kernels === "" || kernels === run.kernels) return undefined;
  return `The checkpoint was computed by kernels for ${kernels}, this run by those for ` +
    `${run.kernels}: ${so}`;
}
