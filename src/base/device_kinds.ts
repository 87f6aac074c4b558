/** The names of devices in configs and flags. */

/** Where kernels run. */
export type DeviceKind = "auto" | "cpu" | "webgpu" | "reference";

/** All names, as configs take them. */
export const DEVICE_KINDS: readonly DeviceKind[] = ["auto", "cpu", "webgpu", "reference"];

/** Whether a device needs no adapter: it computes on this machine's cores, without a driver. */
export function isDriverless(kind: DeviceKind): kind is "cpu" | "reference" {
  return kind === "cpu" || kind === "reference";
}
