/** Finds an adapter and opens a device with all that it offers. */
import { UserError } from "../base/user_error.ts";
import type { Target } from "../graph/types.ts";
import { adapterName, type Backend, selectBackend, showBackend } from "./backend.ts";

/** Features asked for where the adapter lists them. */
const OPTIONAL_FEATURES = ["timestamp-query"] as const;
/** Granted by Deno to who asks, and never listed. */
const UNLISTED = "subgroups";

/** An open device and what is known of its adapter. */
export interface OpenedAdapter {
  readonly device: GPUDevice;
  readonly name: string;
  readonly target: Target;
  readonly timestamps: boolean;
}

/** Whether an adapter's name is that of a driver that runs on the CPU. */
export function isSoftware(name: string): boolean {
  return /llvmpipe|lavapipe|swiftshader|software|microsoft basic render/i.test(name);
}

/**
 * Opens the first adapter of a backend: the one that this process's environment names unless told.
 * @throws {UserError} `noDevice` when there is none.
 */
export async function openAdapter(backend: Backend = selectBackend()): Promise<OpenedAdapter> {
  try {
    return await open(backend, [UNLISTED]);
  } catch (error) {
    // An adapter that was asked in vain cannot be asked again.
    if (error instanceof UserError) throw error;
    return await open(backend, []);
  }
}

async function open(backend: Backend, unlisted: readonly string[]): Promise<OpenedAdapter> {
  const adapter = await navigator.gpu?.requestAdapter();
  if (!adapter) throw new UserError("noDevice", noAdapter(backend));
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
    ...OPTIONAL_FEATURES.filter((f) => adapter.features.has(f)),
    ...unlisted,
  ] as GPUFeatureName[];
  const device = await adapter.requestDevice({ requiredFeatures, requiredLimits });
  const lanes = lanesOf(adapter, device);
  const name = adapterName(adapter.info, backend);
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

/** Why there is no adapter, and what to do: OpenGL, which may be there, is not taken unasked. */
export function noAdapter(backend: Backend): string {
  const none = `Cannot find a WebGPU adapter via ${showBackend(backend)}: `;
  if (backend !== "vulkan") {
    return `${none}unset DENO_WEBGPU_BACKEND, which asks for it, or choose --device=reference`;
  }
  return `${none}install a Vulkan driver (Debian: apt-get install mesa-vulkan-drivers for software ` +
    "rendering) or choose --device=reference";
}

/** The one size that subgroups have; undefined where there are none, or of several sizes. */
function lanesOf({ info }: GPUAdapter, { features }: GPUDevice): number | undefined {
  const { subgroupMinSize, subgroupMaxSize } = info;
  if (!features.has(UNLISTED as GPUFeatureName)) return undefined;
  return subgroupMinSize > 0 && subgroupMinSize === subgroupMaxSize ? subgroupMinSize : undefined;
}
