/** The names of devices in configs and flags. */

/** All names, as configs take them. */
export const DEVICE_KINDS = ["auto", "cpu", "webgpu", "reference"] as const;

/** Where kernels run. */
export type DeviceKind = typeof DEVICE_KINDS[number];

/** Whether a device needs no adapter: it computes on this machine's cores, without a driver. */
export function isDriverless(kind: DeviceKind): kind is "cpu" | "reference" {
  return kind === "cpu" || kind === "reference";
}
