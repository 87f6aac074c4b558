/** The properties of a target that kernel selection depends on. */
import type { Target } from "./types.ts";

/** Subgroup size on CPU drivers for which kernels that use subgroups exist. */
export const CPU_LANES = 8;

/** Whether kernels share loads across subgroup lanes: only CPU drivers' loads are worth it. */
export function sharesLanes({ kind, lanes }: Pick<Target, "kind" | "lanes">): boolean {
  return kind === "cpu" && lanes === CPU_LANES;
}

/**
 * The device class that kernels are selected for. Other classes may use other summation orders, so
 * results are bitwise reproducible within one class only.
 */
export function kernelClass(target: Target): string {
  const { kind, lanes, invocations, workgroupBytes, fuses } = target;
  // Register tiles and V8's flags do not change the bits of WebAssembly kernels.
  if (fuses !== undefined) return fuses ? "wasm" : "wasm, unfused";
  // GPU kernels use no subgroups, but their tiles depend on the workgroup limits.
  if (kind === "gpu") return `gpu, workgroups of ${invocations} and ${workgroupBytes} bytes`;
  return lanes === undefined ? kind : `${kind}, subgroups of ${lanes}`;
}
