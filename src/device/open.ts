/** Opens the device that a config or a flag names. */
import type { Backend } from "./backend.ts";
import { openCpu } from "./cpu.ts";
import type { DeviceKind } from "../base/device_kinds.ts";
import { openReference } from "./reference.ts";
import type { CompileOptions, Device } from "./types.ts";
import { openWebGpu } from "./webgpu.ts";

/** Options of {@linkcode openDeviceOf}. */
export interface OpenDeviceOptions {
  /** As in {@linkcode openWebGpu}. */
  readonly backend?: Backend;
  readonly compiling?: CompileOptions | undefined;
  /** Whether this process has the flags of `vectorFlags()`; default: false. */
  readonly pairs?: boolean;
  /** The runtime's version, as in `openWebGpu`. */
  readonly runtime: string;
}

/** Opens a device. @throws {UserError} `noDevice` where it needs an adapter and there is none. */
export async function openDeviceOf(
  kind: DeviceKind,
  { backend, compiling, pairs = false, runtime }: OpenDeviceOptions,
): Promise<Device> {
  if (kind === "reference") return openReference();
  if (kind === "cpu") return openCpu({ pairs });
  const named = backend === undefined ? {} : { backend };
  return await openWebGpu({ runtime, compiling, ...named });
}
