/**
 * Rewrites the paths in a config. A run stores absolute paths, so that a resume from another
 * working directory finds the same data.
 */
import { dirname, extname, isAbsolute, join, relative, resolve } from "node:path";
import { isStdin } from "../data/pipe.ts";
import { isPlain, type PlainConfig } from "./overrides.ts";
import { withModulePaths } from "./user/user_modules.ts";

/** A config with `change` applied to the paths of its data, initial parameters and folder. */
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

/** A config with absolute paths; relative ones are resolved against `folder`. */
export function anchored<T extends object>(config: T, folder: string): T {
  return withPaths(config, (path) => isStdin(path) ? path : resolve(folder, path));
}

/**
 * The config in a file: its relative paths are relative to the folder of the file, like imports. They
 * are given as they are reached from the working folder.
 */
export function besideFile<T extends object>(config: T, file: string): T {
  // A pipe has no folder of its own.
  const folder = file.startsWith("/dev/") ? "." : dirname(file);
  const from = (path: string) =>
    folder === "." || isStdin(path) || isAbsolute(path) ? path : join(folder, path);
  const placed = withPaths(config, from);
  const { data } = placed as PlainConfig;
  const tokenizer = isPlain(data) ? data["tokenizer"] : undefined;
  const isFile = typeof tokenizer === "string" && extname(tokenizer) === ".json";
  return withModulePaths(
    isFile ? { ...placed, data: { ...Object(data), tokenizer: from(tokenizer) } } : placed,
    resolve(folder),
  );
}

/**
 * A stored config with its paths adapted to the run's current folder `folder`. If the run was moved
 * or copied together with its data, the data is at the same relative path; other paths stay
 * unchanged.
 */
export function relocated<T extends object>(
  config: T,
  { folder, exists }: { folder: string; exists: (path: string) => boolean },
): T {
  const { out } = config as PlainConfig;
  if (typeof out !== "string") return config;
  const { out: _, ...moved } = withPaths(config, (path) => {
    const candidate = movedPath(path, { out, folder });
    return candidate !== undefined && exists(candidate) ? candidate : path;
  }) as PlainConfig;
  return { ...config, ...moved };
}

/** The path that has the same relative position to `folder` as `path` has to `out`. */
function movedPath(
  path: string,
  { out, folder }: { out: string; folder: string },
): string | undefined {
  if (isAbsolute(out) !== isAbsolute(path)) return undefined;
  if (!isAbsolute(out)) {
    // Runs of older versions store relative paths: recover the working directory from `out`.
    const base = baseOf(folder, out);
    return base === undefined ? undefined : resolve(base, path);
  }
  const fromRun = relative(out, path);
  // A path that shares only the root with the run did not move with it.
  return relative("/", commonFolder(out, path)) === "" ? undefined : resolve(folder, fromRun);
}

/** The folder against which the relative path `name` resolves to `folder`. */
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
