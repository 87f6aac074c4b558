/** Opens the device of a command that computes in its own process. */
import { EXIT } from "../base/user_error.ts";
import { warn } from "../base/text/say.ts";
import type { DeviceKind } from "../base/device_kinds.ts";
import { openDeviceOf } from "../device/open.ts";
import type { CompileOptions, Device } from "../device/types.ts";
import { vectorFlags } from "../device/v8.ts";

/**
 * Opens the device of a config's or flag's name, which tells `compiling` of its kernels; losing it
 * ends the process with a line.
 * @throws {UserError} `noDevice` where a GPU is needed and there is none.
 */
export async function openDevice(
  kind: DeviceKind,
  compiling?: CompileOptions,
): Promise<Device> {
  // The command's table starts such processes with the flags.
  const pairs = vectorFlags(Deno.version.deno) !== undefined;
  const device = await openDeviceOf(kind, { compiling, pairs, runtime: Deno.version.deno });
  device.lost.then((reason) => {
    warn(`error: The GPU was lost: ${reason}`);
    Deno.exit(EXIT.deviceLost);
  });
  return device;
}
