/** Finds the config file of a command line and resolves the paths in it. */
import { pathExists } from "../base/files/path_lookup.ts";
import { basename, dirname, isAbsolute, join, normalize, resolve } from "node:path";
import { loadConfig } from "../config/load.ts";
import type { PlainConfig } from "../config/overrides.ts";
import { withTodaysNames } from "../config/renamed.ts";
import { besideFile } from "../config/paths.ts";
import { withModulePaths } from "../config/user/user_modules.ts";
import { located } from "../artifacts/located.ts";
import { CHECKOUT } from "./folder.ts";

/** The config that every run differs from, and that a bare `train` takes. */
export const DEFAULT_CONFIG: string = join(CHECKOUT, "configs", "gpt_char.ts");

/** Files and folders of which a run has at least one once it has begun. */
const RECORDS = ["journal.jsonl", "metrics.jsonl", "checkpoints"];

/**
 * Loads a config by the path that a user typed. Where the caller's folder has no `configs/x.ts` or
 * `examples/x.ts`, the one that comes with Shoal is meant. The config that a run stored has its paths
 * as they are reached now.
 */
export async function loadNamed(path: string): Promise<PlainConfig> {
  const found = shippedOr(path);
  const config = await loadConfig(found);
  const folder = dirname(found);
  if (basename(found) !== "config.json") return besideFile(config, found);
  // Runs of older versions stored paths relative to the folder that they were started in.
  const isStored = RECORDS.some((name) => pathExists(join(folder, name)));
  const placed = isStored ? withModulePaths(config, resolve(folder)) : besideFile(config, found);
  return located(withTodaysNames(placed), folder);
}

/** The path of the config that a path names. */
export function shippedOr(path: string): string {
  const shipped = join(CHECKOUT, path);
  const isOurs = !isAbsolute(path) && /^(configs|examples)\//.test(normalize(path));
  return isOurs && !pathExists(path) && pathExists(shipped) ? shipped : path;
}
