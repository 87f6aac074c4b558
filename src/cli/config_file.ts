/** Finds the config file of a command line and resolves the paths in it. */
import { pathExists } from "../base/files/path_lookup.ts";
import { basename, dirname, isAbsolute, join, normalize } from "node:path";
import { loadConfig } from "../config/load.ts";
import type { PlainConfig } from "../config/overrides.ts";
import { withTodaysNames } from "../config/renamed.ts";
import { besideFile } from "../config/user/user_modules.ts";
import { located } from "../artifacts/located.ts";
import { CHECKOUT } from "./folder.ts";

/** The config that every run differs from, and that a bare `train` takes. */
export const DEFAULT_CONFIG: string = join(CHECKOUT, "configs", "gpt_char.ts");

/**
 * Loads a config by the path that a user typed. Where the caller's folder has no `configs/x.ts` or
 * `examples/x.ts`, the one that comes with Shoal is meant. The config that a run stored has its paths
 * as they are reached now.
 */
export async function loadNamed(path: string): Promise<PlainConfig> {
  const found = shippedOr(path);
  const config = besideFile(await loadConfig(found), found);
  return basename(found) === "config.json"
    ? located(withTodaysNames(config), dirname(found))
    : config;
}

function shippedOr(path: string): string {
  const shipped = join(CHECKOUT, path);
  const isOurs = !isAbsolute(path) && /^(configs|examples)\//.test(normalize(path));
  return isOurs && !pathExists(path) && pathExists(shipped) ? shipped : path;
}
