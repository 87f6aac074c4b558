/** Opens the device of a command that computes in its own process. */
import { EXIT } from "../base/user_error.ts";
import { warn } from "../base/text/say.ts";
import type { DeviceKind } from "../base/device_kinds.ts";
import { openDeviceOf, openTimedDeviceOf } from "../device/open.ts";
import type { CompileOptions, Device, TimedDevice } from "../device/types.ts";
import { cpuMode } from "../device/v8.ts";

const RUNTIME = Deno.version.deno;
/** The table of commands gives such processes their flags. */
const { pairs } = cpuMode(RUNTIME);

/** A note of such a command where a config keeps bounds checks. */
export const WITHOUT_CHECKS = "without the bounds checks that device.checks keeps";

/**
 * Opens the device of a config's or flag's name, which tells `compiling` of its kernels; losing it
 * ends the process with a line.
 * @throws {UserError} `noDevice` where a GPU is needed and there is none.
 */
export async function openDevice(
  kind: DeviceKind,
  compiling?: CompileOptions,
): Promise<Device> {
  const device = await openDeviceOf(kind, { compiling, pairs, runtime: RUNTIME });
  device.lost.then((reason) => {
    warn(`error: The GPU was lost: ${reason}`);
    Deno.exit(EXIT.deviceLost);
  });
  return device;
}

/** As {@linkcode openDevice}, with a clock; a lost device fails what is read from it. */
export async function openTimed(
  kind: Exclude<DeviceKind, "reference">,
  compiling: CompileOptions,
): Promise<TimedDevice> {
  return await openTimedDeviceOf(kind, { clock: true, compiling, pairs, runtime: RUNTIME });
}
