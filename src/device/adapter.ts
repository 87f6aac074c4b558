/** Requests an adapter and a device with the adapter's full limits. */
import { UserError } from "../base/user_error.ts";
import type { Target } from "../graph/types.ts";
import {
  adapterName,
  type Backend,
  isOnlyAskedFor,
  selectBackend,
  showBackend,
  withoutDriverNoise,
} from "./backend.ts";

/** Features requested if the adapter lists them. */
const OPTIONAL_FEATURES = ["timestamp-query"] as const;
/** A feature that Deno grants on request but does not list. */
const UNLISTED = "subgroups";

/** An open device and properties of its adapter. */
export interface OpenedAdapter {
  readonly device: GPUDevice;
  readonly name: string;
  readonly target: Target;
  readonly timestamps: boolean;
}

/** Whether an adapter's name is that of a software driver. */
export function isSoftware(name: string): boolean {
  return /llvmpipe|lavapipe|swiftshader|software|microsoft basic render/i.test(name);
}

/**
 * Whether `auto` computes on the first adapter of a backend, by its name: on that of a GPU, and on any
 * where the environment asks for OpenGL. Software drivers are not taken unasked.
 */
export function isTaken(adapter: string | undefined, backend: Backend): boolean {
  return isOnlyAskedFor(backend) || (adapter !== undefined && !isSoftware(adapter));
}

/** As {@linkcode isTaken}, for the adapter that this process gets. */
export async function takesAdapter(backend: Backend = selectBackend()): Promise<boolean> {
  if (isOnlyAskedFor(backend)) return true;
  const adapter = await withoutDriverNoise(() => navigator.gpu?.requestAdapter());
  return isTaken(adapter ? adapterName(adapter.info, backend) : undefined, backend);
}

/**
 * Opens the first adapter of a backend; default: the backend in this process's environment.
 * @throws {UserError} `noDevice` when there is no adapter.
 */
export async function openAdapter(backend: Backend = selectBackend()): Promise<OpenedAdapter> {
  try {
    return await open(backend, [UNLISTED]);
  } catch (error) {
    // requestDevice consumes the adapter even when it fails: request a new adapter.
    if (error instanceof UserError) throw error;
    return await open(backend, []);
  }
}

async function open(backend: Backend, unlisted: readonly string[]): Promise<OpenedAdapter> {
  const adapter = await withoutDriverNoise(() => navigator.gpu?.requestAdapter());
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

/** The message for a missing adapter, with a remedy. OpenGL is never used without request. */
export function noAdapter(backend: Backend): string {
  const none = `Cannot find a WebGPU adapter via ${showBackend(backend)}: `;
  if (backend !== "vulkan") {
    return `${none}unset DENO_WEBGPU_BACKEND, which asks for it, or choose --device=cpu`;
  }
  return `${none}install a Vulkan driver (Debian: apt-get install mesa-vulkan-drivers for software ` +
    "rendering) or choose --device=cpu";
}

/** The subgroup size; undefined without subgroups, or if sizes vary. */
function lanesOf({ info }: GPUAdapter, { features }: GPUDevice): number | undefined {
  const { subgroupMinSize, subgroupMaxSize } = info;
  if (!features.has(UNLISTED as GPUFeatureName)) return undefined;
  return subgroupMinSize > 0 && subgroupMinSize === subgroupMaxSize ? subgroupMinSize : undefined;
}
