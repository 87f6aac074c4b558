/**
 * Flags of V8 for processes that compute on the CPU device. The revectorizer joins pairs of 128-bit
 * operations into AVX2. It gives up at the bounds checks between them, which are not needed: each
 * access is proved inside its area when it is printed. Without the baseline compiler a kernel is
 * optimized before its first run, not during later ones. No flag changes bits.
 */
import type { DeviceKind } from "../base/device_kinds.ts";

/** Versions of Deno whose V8 is known to take the flags: an unknown flag ends a process. */
const TESTED: readonly string[] = ["2.9.6"];

const OPTIMIZED = ["--no-liftoff"];
const JOINED = ["--experimental-wasm-revectorize", "--no-wasm-bounds-checks"];

/** How a process computes on the CPU device. */
export interface CpuMode {
  /** The value of `--v8-flags`; undefined for none. */
  readonly flags: string | undefined;
  /** Whether V8 joins pairs of vectors then. */
  readonly pairs: boolean;
}

/** The mode of a process that computes on a device: flags are for the CPU device alone. */
export function processMode(
  device: { readonly kind: DeviceKind; readonly checks: boolean } | undefined,
  version: string,
): CpuMode {
  return device?.kind === "cpu" ? cpuMode(version, device) : { flags: undefined, pairs: false };
}

/** The mode of a process that `version` of Deno starts; with `checks` it keeps bounds checks. */
export function cpuMode(version: string, { checks = false } = {}): CpuMode {
  // This V8 may not know the flags.
  if (!TESTED.includes(version)) return { flags: undefined, pairs: false };
  if (checks) return { flags: OPTIMIZED.join(), pairs: false };
  return { flags: [...JOINED, ...OPTIMIZED].join(), pairs: true };
}
