/** Opens the device of a command that computes in its own process. */
import { EXIT } from "../base/user_error.ts";
import { warn } from "../base/text/say.ts";
import { openReference } from "../device/reference.ts";
import type { CompileOptions, Device } from "../device/types.ts";
import { openWebGpu } from "../device/webgpu.ts";

/**
 * Opens the device of a config's or flag's name, which tells `compiling` of its kernels; losing it
 * ends the process with a line.
 * @throws {UserError} `noDevice` where a GPU is needed and there is none.
 */
export async function openDevice(
  kind: "auto" | "webgpu" | "reference",
  compiling?: CompileOptions,
): Promise<Device> {
  if (kind === "reference") return openReference();
  const device = await openWebGpu({ runtime: Deno.version.deno, compiling });
  device.lost.then((reason) => {
    warn(`error: The GPU was lost: ${reason}`);
    Deno.exit(EXIT.deviceLost);
  });
  return device;
}
