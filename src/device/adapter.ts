/** Finds an adapter and opens a device with all that it offers. */
import { Refusal } from "../base/refusal.ts";
import type { Target } from "../graph/types.ts";

/** Features asked for where the adapter lists them. */
const WISHES = ["timestamp-query"] as const;
/** Granted by Deno to who asks, and never listed. */
const UNLISTED = "subgroups";

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
  try {
    return await open([UNLISTED]);
  } catch (error) {
    // An adapter that was asked in vain cannot be asked again.
    if (error instanceof Refusal) throw error;
    return await open([]);
  }
}

async function open(unlisted: readonly string[]): Promise<Opened> {
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
  const requiredFeatures = [
    ...WISHES.filter((f) => adapter.features.has(f)),
    ...unlisted,
  ] as GPUFeatureName[];
  const device = await adapter.requestDevice({ requiredFeatures, requiredLimits });
  const lanes = lanesOf(adapter, device);
  const name = adapter.info.description || adapter.info.vendor || "unnamed adapter";
  return {
    device,
    name,
    target: {
      kind: isSoftware(name) ? "cpu" : "gpu",
      workgroupBytes: device.limits.maxComputeWorkgroupStorageSize,
      invocations: device.limits.maxComputeInvocationsPerWorkgroup,
      groups: device.limits.maxComputeWorkgroupsPerDimension,
      ...lanes !== undefined && { lanes },
    },
    timestamps: device.features.has("timestamp-query"),
  };
}

/** The one size that subgroups have; undefined where there are none, or of several sizes. */
function lanesOf({ info }: GPUAdapter, { features }: GPUDevice): number | undefined {
  const { subgroupMinSize, subgroupMaxSize } = info;
  if (!features.has(UNLISTED as GPUFeatureName)) return undefined;
  return subgroupMinSize > 0 && subgroupMinSize === subgroupMaxSize ? subgroupMinSize : undefined;
}
