/** The GPU of a test file: opened when it is first asked for, closed after the file's last test. */
import type { TimedDevice } from "../../src/device/types.ts";
import { openWebGpu } from "../../src/device/webgpu.ts";

/** Gives what opens, or gives again, the file's device. Call it once, at the top. */
export function sharedGpu(): () => Promise<TimedDevice> {
  let opened: Promise<TimedDevice> | undefined;
  Deno.test.afterAll(async () => {
    await opened?.then((device) => device.close(), () => {});
  });
  return () => opened ??= openWebGpu({ runtime: Deno.version.deno });
}
