/**
 * Paths in a config. A run stores them absolute, so that a resume from another folder finds the same
 * data. Pure: whether something lies at a path is asked through a function.
 */
import { dirname, isAbsolute, join, relative, resolve } from "node:path";
import { isStdin } from "../data/pipe.ts";
import { isPlain, type PlainConfig } from "./overrides.ts";

/** A config with each path of its data, its first parameters and its folder changed. */
export function withPaths<T extends object>(config: T, change: (path: string) => string): T {
  const text = (value: unknown) => typeof value === "string" ? change(value) : value;
  const { data, init, out } = config as PlainConfig;
  return {
    ...config,
    ...init !== undefined && { init: text(init) },
    ...out !== undefined && { out: text(out) },
    ...isPlain(data) && {
      data: {
        ...data,
        ...data["path"] !== undefined && { path: text(data["path"]) },
        ...isPlain(data["mix"]) && {
          mix: Object.fromEntries(
            Object.entries(data["mix"]).map(([path, weight]) => [change(path), weight]),
          ),
        },
      },
    },
  };
}

/** A config whose paths are absolute; relative ones belong to `folder`. */
export function anchored<T extends object>(config: T, folder: string): T {
  return withPaths(config, (path) => isStdin(path) ? path : resolve(folder, path));
}

/**
 * A stored config with its paths as they are reached from the run's folder `folder` now. What moved
 * or was copied together with the run is found beside it; else a path means what it meant.
 */
export function relocated<T extends object>(
  config: T,
  { folder, exists }: { folder: string; exists: (path: string) => boolean },
): T {
  const { out } = config as PlainConfig;
  if (typeof out !== "string") return config;
  const { out: _, ...moved } = withPaths(config, (path) => {
    const beside = besides(path, { out, folder });
    return beside !== undefined && exists(beside) ? beside : path;
  }) as PlainConfig;
  return { ...config, ...moved };
}

/** Where `path` lies beside a run in `folder`, if it lay so beside the run that was in `out`. */
function besides(
  path: string,
  { out, folder }: { out: string; folder: string },
): string | undefined {
  if (isAbsolute(out) !== isAbsolute(path)) return undefined;
  if (!isAbsolute(out)) {
    // A run of older versions: its base is what stands before its own name.
    const base = baseOf(folder, out);
    return base === undefined ? undefined : resolve(base, path);
  }
  const way = relative(out, path);
  // Only what shares a folder with the run can have moved with it.
  return relative("/", commonFolder(out, path)) === "" ? undefined : resolve(folder, way);
}

/** The folder from which `folder` is called `name`. */
function baseOf(folder: string, name: string): string | undefined {
  const depth = relative("/", join("/", name)).split("/").length;
  let base = folder;
  for (let i = 0; i < depth; i++) base = dirname(base);
  return resolve(base, name) === folder ? base : undefined;
}

function commonFolder(a: string, b: string): string {
  let folder = dirname(a);
  while (folder !== dirname(folder) && !b.startsWith(folder + "/")) folder = dirname(folder);
  return folder;
}
