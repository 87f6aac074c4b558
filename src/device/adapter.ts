/** Finds an adapter and opens a device with all that it offers. */
import { Refusal } from "../base/refusal.ts";
import type { Target } from "../graph/types.ts";

/** Features asked for one by one: an adapter need not list a feature to grant it. */
const WISHES = ["timestamp-query"] as const;

/** An open device and what is known of its adapter. */
export interface Opened {
  readonly device: GPUDevice;
  readonly name: string;
  readonly target: Target;
  readonly timestamps: boolean;
}

/** Whether an adapter's name is that of a driver that runs on the CPU. */
export function isSoftware(name: string): boolean {
  return /llvmpipe|lavapipe|swiftshader|software|microsoft basic render/i.test(name);
}

/** Opens the first adapter. @throws {Refusal} `noDevice` when there is none. */
export async function openAdapter(): Promise<Opened> {
  const adapter = await navigator.gpu?.requestAdapter();
  if (!adapter) {
    throw new Refusal(
      "noDevice",
      "Cannot find a WebGPU adapter: install a Vulkan driver (Debian: apt-get install " +
        "mesa-vulkan-drivers for software rendering) or choose --device=reference",
    );
  }
  const { limits } = adapter;
  const requiredLimits = {
    maxBufferSize: limits.maxBufferSize,
    maxStorageBufferBindingSize: limits.maxStorageBufferBindingSize,
    maxComputeWorkgroupStorageSize: limits.maxComputeWorkgroupStorageSize,
    maxComputeInvocationsPerWorkgroup: limits.maxComputeInvocationsPerWorkgroup,
    maxComputeWorkgroupSizeX: limits.maxComputeWorkgroupSizeX,
    maxComputeWorkgroupSizeY: limits.maxComputeWorkgroupSizeY,
  };
  const requiredFeatures = WISHES.filter((f) => adapter.features.has(f)) as GPUFeatureName[];
  const device = await adapter.requestDevice({ requiredFeatures, requiredLimits });
  const name = adapter.info.description || adapter.info.vendor || "unnamed adapter";
  return {
    device,
    name,
    target: {
      kind: isSoftware(name) ? "cpu" : "gpu",
      workgroupBytes: device.limits.maxComputeWorkgroupStorageSize,
      invocations: device.limits.maxComputeInvocationsPerWorkgroup,
      groups: device.limits.maxComputeWorkgroupsPerDimension,
    },
    timestamps: device.features.has("timestamp-query"),
  };
}
