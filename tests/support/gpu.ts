/** The GPU of a test file: opened when it is first asked for, closed after the file's last test. */
import { fileURLToPath } from "node:url";
import { openReference } from "../../src/device/reference.ts";
import type { TimedDevice } from "../../src/device/types.ts";
import { openWebGpu } from "../../src/device/webgpu.ts";
import { type Need, needing, works } from "./needs.ts";

/** A WebGPU adapter, if only a software driver's. */
const ADAPTER: Need = {
  what: "a WebGPU adapter",
  holds: () => {
    const module = new URL("../../src/cli/doctor/has_adapter.ts", import.meta.url);
    const allowed = "--allow-env=DENO_WEBGPU_BACKEND";
    return works(Deno.execPath(), "run", "-q", "--no-prompt", allowed, fileURLToPath(module));
  },
};

/** Whether there is an adapter. */
export function hasGpu(): boolean {
  return !onGpu("").ignore;
}

/** The name of a test that opens an adapter; it is left out by name where there is none. */
export function onGpu(name: string): { name: string; ignore: boolean } {
  return needing(name, ADAPTER);
}

/** The same for a test of several devices, by the words for its own: a GPU needs an adapter. */
export function onDevice(words: string, name: string): { name: string; ignore: boolean } {
  return words.includes("GPU") ? onGpu(name) : { name, ignore: false };
}

/** Devices that a test tries, by the words that its name has for them. */
export const REFERENCE_AND_GPU = {
  "the reference": () => Promise.resolve(openReference()),
  "the GPU": () => openWebGpu({ runtime: Deno.version.deno }),
} as const;

/** Gives what opens, or gives again, the file's device. Call it once, at the top. */
export function sharedGpu(): () => Promise<TimedDevice> {
  let opened: Promise<TimedDevice> | undefined;
  Deno.test.afterAll(async () => {
    await opened?.then((device) => device.close(), () => {});
  });
  return () => opened ??= openWebGpu({ runtime: Deno.version.deno });
}
