/** Resolves the paths of a stored config against the present place of the run's folder. */
import { resolve } from "node:path";
import { pathExists } from "../base/files/path_lookup.ts";
import { relocated } from "../config/paths.ts";

/** The config stored in run folder `folder`, with the paths of its data where they are now. */
export function located<T extends object>(config: T, folder: string): T {
  const exists = (path: string) => pathExists(path, { followLinks: true });
  return relocated(config, { folder: resolve(folder), exists });
}
