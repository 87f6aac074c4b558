/** The device that a bench measures. */
import * as z from "zod";
import { takesAdapter } from "../src/device/adapter.ts";
import { modeName } from "../src/device/cpu.ts";
import { openTimedDeviceOf } from "../src/device/open.ts";
import type { Device, TimedDevice } from "../src/device/types.ts";
import { cpuMode } from "../src/device/v8.ts";

/** What a command line asks for. */
export type BenchDevice = "auto" | "cpu" | "webgpu";

/** The flag. */
export const DEVICE_FLAG = z.enum(["auto", "cpu", "webgpu"]).default("auto").describe(
  "What is measured: auto is WebGPU on a GPU, else cpu",
);

const RUNTIME = Deno.version.deno;

/** The device that `auto` is on this machine. */
export async function deviceHere(device: BenchDevice): Promise<Exclude<BenchDevice, "auto">> {
  if (device !== "auto") return device;
  return await takesAdapter() ? "webgpu" : "cpu";
}

/**
 * Opens a device. The process must have the flags of V8 for the CPU device.
 * @throws {UserError} `noDevice` where an adapter is needed and there is none.
 */
export async function openBenchDevice(
  device: BenchDevice,
  { clock = false }: { readonly clock?: boolean } = {},
): Promise<TimedDevice> {
  const { pairs } = cpuMode(RUNTIME);
  return await openTimedDeviceOf(device, { clock, pairs, runtime: RUNTIME });
}

/** A device's name as results show it: `cpu (256 bits at a time)`. */
export function shownName({ name, mode }: Pick<Device, "name" | "mode">): string {
  return mode === undefined ? name : `${name} (${mode})`;
}

/** The name of the CPU device in processes with its flags. */
export function cpuName(): string {
  return shownName({ name: "cpu", mode: modeName(cpuMode(RUNTIME).pairs) });
}
