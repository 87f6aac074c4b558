/**
 * What an adapter is and grants: names, features (those that it does not list as well), limits.
 * Judges nothing.
 */
import { adapterName, type Backend } from "./backend.ts";

/** Features that runtimes grant when asked though adapters may not list them. */
const PROBED = [
  "subgroups",
  "shader-f16",
  "timestamp-query",
  "wgpu-mappable-primary-buffers",
  "wgpu-shader-float32-atomic",
  "wgpu-timestamp-query-inside-passes",
] as GPUFeatureName[];

/** Limits that decide what fits, and which kernels run. */
const LIMITS = [
  "maxBufferSize",
  "maxStorageBufferBindingSize",
  "maxStorageBuffersPerShaderStage",
  "maxComputeWorkgroupStorageSize",
  "maxComputeInvocationsPerWorkgroup",
  "maxComputeWorkgroupsPerDimension",
] as const;

/** A feature, and how it stands. */
export type FeatureState = "listed" | "granted when asked" | "refused";

/** What an adapter says of itself. */
export interface Survey {
  readonly name: string;
  readonly info: Readonly<Record<string, string>>;
  /** Features that matter here, by name. */
  readonly features: Readonly<Record<string, FeatureState>>;
  /** Whatever else it lists. */
  readonly others: readonly string[];
  /** In bytes, or as counts. */
  readonly limits: Readonly<Record<string, number>>;
}

/** Asks the adapter that a run would get; undefined where there is none. */
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

/** Each try takes an adapter of its own: one that has given a device may give no other. */
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
