/** What of a target decides which kernels are chosen, as manifests keep it. */
import type { Target } from "./types.ts";

/**
 * The class of devices that kernels are chosen for: another class may add in another order, so bits
 * are promised within one.
 */
export function kernelClass({ kind, lanes }: Target): string {
  return lanes === undefined ? kind : `${kind}, subgroups of ${lanes}`;
}
