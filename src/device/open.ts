/** Opens the device that a config or a flag names. */
import type { DeviceKind } from "../base/device_kinds.ts";
import { takesAdapter } from "./adapter.ts";
import type { Backend } from "./backend.ts";
import { openCpu } from "./cpu.ts";
import { openReference } from "./reference.ts";
import type { CompileOptions, Device, TimedDevice } from "./types.ts";
import { openWebGpu } from "./webgpu.ts";

/** Options of {@linkcode openDeviceOf}. */
export interface OpenDeviceOptions {
  /** As in {@linkcode openWebGpu}. */
  readonly backend?: Backend;
  /** Times every pass; default: false. */
  readonly clock?: boolean;
  readonly compiling?: CompileOptions | undefined;
  /** As in {@linkcode CpuMode} for this process; default: false. */
  readonly pairs?: boolean;
  /** The runtime's version, as in `openWebGpu`. */
  readonly runtime: string;
}

/**
 * Opens a device; `auto` is that of a GPU where there is one, else the CPU device.
 * @throws {UserError} `noDevice` where it needs an adapter and there is none.
 */
export async function openDeviceOf(kind: DeviceKind, options: OpenDeviceOptions): Promise<Device> {
  return kind === "reference" ? openReference() : await openTimedDeviceOf(kind, options);
}

/** As {@linkcode openDeviceOf}, for the devices that have a clock. */
export async function openTimedDeviceOf(
  kind: Exclude<DeviceKind, "reference">,
  { backend, clock = false, compiling, pairs = false, runtime }: OpenDeviceOptions,
): Promise<TimedDevice> {
  if (kind === "cpu" || (kind === "auto" && !await takesAdapter(backend))) {
    return openCpu({ clock, pairs });
  }
  return await openWebGpu({ clock, compiling, runtime, ...backend !== undefined && { backend } });
}
