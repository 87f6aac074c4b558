/** What of a target decides which kernels are chosen. */
import type { Target } from "./types.ts";

/** Lanes of a subgroup on CPU drivers that share work, where all subgroups have as many. */
export const CPU_LANES = 8;

/** Whether kernels share work among the lanes of a subgroup: only there loads are that dear. */
export function sharesLanes({ kind, lanes }: Pick<Target, "kind" | "lanes">): boolean {
  return kind === "cpu" && lanes === CPU_LANES;
}

/**
 * The class of devices that kernels are chosen for: another class may add in another order, so bits
 * are promised within one.
 */
export function kernelClass({ kind, lanes, invocations, workgroupBytes }: Target): string {
  // GPUs' kernels use no subgroups, but their tiles must fit into a workgroup.
  if (kind === "gpu") return `gpu, workgroups of ${invocations} and ${workgroupBytes} bytes`;
  return lanes === undefined ? kind : `${kind}, subgroups of ${lanes}`;
}
