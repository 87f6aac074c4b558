/** The names of devices in configs and flags. */

/** Where kernels run. */
export type DeviceKind = "auto" | "cpu" | "webgpu" | "reference";

/** A device, once `auto` is settled. */
export interface ChosenDevice {
  readonly kind: Exclude<DeviceKind, "auto">;
  /** Whether the CPU device keeps the bounds checks of WebAssembly. */
  readonly checks: boolean;
}

/** All names, as configs take them. */
export const DEVICE_KINDS: readonly DeviceKind[] = ["auto", "cpu", "webgpu", "reference"];

/** Whether a device needs no adapter: it computes on this machine's cores, without a driver. */
export function isDriverless(kind: DeviceKind): kind is "cpu" | "reference" {
  return kind === "cpu" || kind === "reference";
}
