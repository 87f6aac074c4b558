/**
 * Surveys an adapter: names, limits, and features, including those that are granted but not listed.
 */
import { adapterName, type Backend } from "./backend.ts";

/** Features that runtimes may grant on request although adapters do not list them. */
const PROBED = [
  "subgroups",
  "shader-f16",
  "timestamp-query",
  "wgpu-mappable-primary-buffers",
  "wgpu-shader-float32-atomic",
  "wgpu-timestamp-query-inside-passes",
] as GPUFeatureName[];

/** Limits that model sizes and kernels depend on. */
const LIMITS = [
  "maxBufferSize",
  "maxStorageBufferBindingSize",
  "maxStorageBuffersPerShaderStage",
  "maxComputeWorkgroupStorageSize",
  "maxComputeInvocationsPerWorkgroup",
  "maxComputeWorkgroupsPerDimension",
] as const;

/** Availability of a feature. */
export type FeatureState = "listed" | "granted when asked" | "refused";

/** Properties of an adapter. */
export interface Survey {
  readonly name: string;
  readonly info: Readonly<Record<string, string>>;
  /** Availability of the probed features, by name. */
  readonly features: Readonly<Record<string, FeatureState>>;
  /** Other features that it lists. */
  readonly others: readonly string[];
  /** In bytes, or as counts. */
  readonly limits: Readonly<Record<string, number>>;
}

/** Surveys the adapter that a run would use; undefined if there is none. */
export async function surveyAdapter(backend: Backend): Promise<Survey | undefined> {
  const adapter = await navigator.gpu?.requestAdapter();
  if (!adapter) return undefined;
  const { info, limits } = adapter;
  const features: Record<string, FeatureState> = {};
  for (const name of PROBED) {
    features[name] = adapter.features.has(name) ? "listed" : await granted(name);
  }
  const { vendor, architecture, device, description } = info;
  return {
    name: adapterName(info, backend),
    info: { vendor, architecture, device, description },
    features,
    others: Array.from(adapter.features).filter((name) => !PROBED.includes(name as GPUFeatureName))
      .sort(),
    limits: Object.fromEntries(LIMITS.map((name) => [name, limits[name]])),
  };
}

/** Requests a new adapter for each feature, because an adapter provides at most one device. */
async function granted(name: GPUFeatureName): Promise<FeatureState> {
  try {
    const adapter = await navigator.gpu.requestAdapter();
    const device = await adapter?.requestDevice({ requiredFeatures: [name] });
    const has = device?.features.has(name) === true;
    device?.destroy();
    return has ? "granted when asked" : "refused";
  } catch {
    return "refused";
  }
}
