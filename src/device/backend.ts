/**
 * Selection of the graphics API, before the first adapter is requested: the runtime reads
 * `DENO_WEBGPU_BACKEND` once, and if it is unset falls back to OpenGL when Vulkan has no driver.
 */
import { UserError } from "../base/user_error.ts";

/** The variable that the runtime reads when it requests its first adapter. */
export const BACKEND_VARIABLE = "DENO_WEBGPU_BACKEND";

/** A graphics API, as the runtime's variable names it. */
export type Backend = "vulkan" | "metal" | "dx12" | "gl";

/** Display names of the APIs. */
const BACKENDS: Readonly<Record<Backend, string>> = {
  vulkan: "Vulkan",
  metal: "Metal",
  dx12: "Direct3D 12",
  gl: "OpenGL",
};

/** Other values that the runtime accepts. */
const ALIASES: Readonly<Record<string, Backend>> = {
  vk: "vulkan",
  mtl: "metal",
  d3d12: "dx12",
  gles: "gl",
  opengl: "gl",
};

/** Separates the card's name from the API's in adapter names. */
const VIA = " via ";

/**
 * The backend that the variable's value names; if it is empty, the operating system's default,
 * which is never OpenGL. @throws {UserError} `config` unless it names exactly one backend: of a
 * list the runtime's choice is unknown, and unknown words disable all backends.
 */
export function backendFrom(value: string | undefined, os: string): Backend {
  const word = (value ?? "").trim().toLowerCase();
  if (word === "") return os === "darwin" ? "metal" : "vulkan";
  const backend = ALIASES[word] ?? word;
  if (Object.hasOwn(BACKENDS, backend)) return backend as Backend;
  throw new UserError(
    "config",
    `Cannot take ${BACKEND_VARIABLE}: need one of ${
      Object.keys(BACKENDS).join(", ")
    }: got ${value}`,
  );
}

/**
 * The backend of this process; sets the environment variable if it is empty. Call it before an
 * adapter is requested.
 * @throws {UserError} `config` without permission to read the variable, or as {@linkcode
 * backendFrom}.
 */
export function selectBackend(): Backend {
  const permission = { name: "env", variable: BACKEND_VARIABLE } as const;
  if (Deno.permissions.querySync(permission).state !== "granted") {
    throw new UserError(
      "config",
      `Cannot choose a graphics API: need --allow-env=${BACKEND_VARIABLE}: it is not given`,
    );
  }
  const value = Deno.env.get(BACKEND_VARIABLE);
  const backend = backendFrom(value, Deno.build.os);
  if (value === undefined || value.trim() === "") Deno.env.set(BACKEND_VARIABLE, backend);
  return backend;
}

/** Whether a backend is the default of no system, so that a variable has asked for it. */
export function isOnlyAskedFor(backend: Backend): boolean {
  return backend === "gl";
}

/** The variable of the desktop's sockets, which drivers look for and nothing here needs. */
const DESKTOP_VARIABLE = "XDG_RUNTIME_DIR";

/**
 * Calls `work`, which requests an adapter. Drivers print an error where the variable of the desktop
 * is unset, so it is set for the time of the call; a process without the permission leaves it.
 */
export function withoutDriverNoise<T>(work: () => T): T {
  const permission = { name: "env", variable: DESKTOP_VARIABLE } as const;
  const isAllowed = Deno.permissions.querySync(permission).state === "granted";
  if (!isAllowed || Deno.env.get(DESKTOP_VARIABLE) !== undefined) return work();
  Deno.env.set(DESKTOP_VARIABLE, "/");
  try {
    return work();
  } finally {
    Deno.env.delete(DESKTOP_VARIABLE);
  }
}

/** The API's display name. */
export function showBackend(backend: Backend): string {
  return BACKENDS[backend];
}

/** The name of an adapter: card and API, because results differ in bits between APIs. */
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

/** Whether an adapter's name is that of an OpenGL adapter. */
export function isOpenGl(adapter: string): boolean {
  return adapter.endsWith(VIA + BACKENDS.gl);
}

/**
 * Whether a recorded name is that of this adapter. Old records contain the card only; they are
 * assumed to come from the system's default API.
 */
export function isSameAdapter(recorded: string, adapter: string): boolean {
  if (recorded === adapter) return true;
  return cardIn(recorded) === recorded && cardIn(adapter) === recorded && !isOpenGl(adapter);
}
