/**
 * The graphics API that computes. It is chosen before the first adapter is requested: the runtime
 * reads `DENO_WEBGPU_BACKEND` once, and without it falls back to OpenGL where Vulkan has no driver.
 */
import { UserError } from "../base/user_error.ts";

/** The variable that the runtime reads when it requests its first adapter. */
export const BACKEND_VARIABLE = "DENO_WEBGPU_BACKEND";

/** A graphics API, as the runtime's variable names it. */
export type Backend = "vulkan" | "metal" | "dx12" | "gl";

/** Each API with its name for people. */
const BACKENDS: Readonly<Record<Backend, string>> = {
  vulkan: "Vulkan",
  metal: "Metal",
  dx12: "Direct3D 12",
  gl: "OpenGL",
};

/** Other words that the runtime takes. */
const ALIASES: Readonly<Record<string, Backend>> = {
  vk: "vulkan",
  mtl: "metal",
  d3d12: "dx12",
  gles: "gl",
  opengl: "gl",
};

/** Between the name of a card and that of the API. */
const VIA = " via ";

/**
 * The backend that the variable asks for; where it asks for none, the system's own, which is never
 * OpenGL. @throws {UserError} `config` for anything but one backend: the one of several that the
 * runtime takes cannot be told, and of an unknown word it makes none at all.
 */
export function backendFrom(asked: string | undefined, os: string): Backend {
  const word = (asked ?? "").trim().toLowerCase();
  if (word === "") return os === "darwin" ? "metal" : "vulkan";
  const backend = ALIASES[word] ?? word;
  if (Object.hasOwn(BACKENDS, backend)) return backend as Backend;
  throw new UserError(
    "config",
    `Cannot take ${BACKEND_VARIABLE}: need one of ${
      Object.keys(BACKENDS).join(", ")
    }: got ${asked}`,
  );
}

/**
 * The backend of this process, set in its environment where nobody asked for one. Call it before an
 * adapter is requested. @throws {UserError} `config`.
 */
export function selectBackend(): Backend {
  const permission = { name: "env", variable: BACKEND_VARIABLE } as const;
  if (Deno.permissions.querySync(permission).state !== "granted") {
    throw new UserError(
      "config",
      `Cannot choose a graphics API: need --allow-env=${BACKEND_VARIABLE}: it is not given`,
    );
  }
  const asked = Deno.env.get(BACKEND_VARIABLE);
  const backend = backendFrom(asked, Deno.build.os);
  if (asked === undefined || asked.trim() === "") Deno.env.set(BACKEND_VARIABLE, backend);
  return backend;
}

/** The API's name for people. */
export function showBackend(backend: Backend): string {
  return BACKENDS[backend];
}

/** The name of an adapter: its card and the API that drives it, since bits differ between APIs. */
export function adapterName(
  { description, vendor }: Pick<GPUAdapterInfo, "description" | "vendor">,
  backend: Backend,
): string {
  return `${description || vendor || "unnamed adapter"}${VIA}${BACKENDS[backend]}`;
}

/** The card in an adapter's name. */
export function cardIn(adapter: string): string {
  const name = Object.values(BACKENDS).find((each) => adapter.endsWith(VIA + each));
  return name === undefined ? adapter : adapter.slice(0, -(VIA + name).length);
}

/** Whether an adapter's name says that OpenGL drives it. */
export function isOpenGl(adapter: string): boolean {
  return adapter.endsWith(VIA + BACKENDS.gl);
}

/**
 * Whether a record names this adapter. Records from before names told the API have the card alone;
 * they count as made by the system's own API, as all but a few are.
 */
export function isSameAdapter(recorded: string, adapter: string): boolean {
  if (recorded === adapter) return true;
  return cardIn(recorded) === recorded && cardIn(adapter) === recorded && !isOpenGl(adapter);
}
