/** The stored config of a run, with its paths as they are reached now. */
import { resolve } from "node:path";
import { relocated } from "../config/paths.ts";

/** A config that was stored in the run's folder `folder`. */
export function located<T extends object>(config: T, folder: string): T {
  return relocated(config, { folder: resolve(folder), exists });
}

function exists(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch {
    return false; // Whoever reads it says why.
  }
}
