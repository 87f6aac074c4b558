/**
 * Entry of a process that evaluates a config: a config is code, and may be a stranger's. The process
 * has no permission but to read the config's project. Its last line is what came of it, as JSON.
 */
import { pathToFileURL } from "node:url";
import { reasonOf } from "./module_reason.ts";
import { plainFault } from "./plain_data.ts";

/** How the line with the result begins, for what a config prints is something else. */
export const RESULT = "shoal-config ";

/** What came of a config. */
export type Evaluated =
  /** Plain data, or what is left out where the module exports none. */
  | { readonly value?: unknown }
  /** What is no plain data. */
  | { readonly fault: string }
  /** Why the module does not load. */
  | { readonly reason: string };

/** Imports a module; getters of its value are called here: they may throw. */
async function evaluated(path: string, patience: number): Promise<Evaluated> {
  const late = Promise.withResolvers<never>();
  // Deno ends a process that only waits for a promise nobody settles: the timer keeps it alive.
  const timer = setTimeout(
    () => late.reject(new Error(`it waits for longer than ${patience / 1000} s`)),
    patience,
  );
  try {
    const loading: Promise<{ readonly default?: unknown }> = import(pathToFileURL(path).href);
    const { default: value } = await Promise.race([loading, late.promise]);
    if (value === undefined) return {};
    const fault = plainFault(value);
    return fault === undefined ? { value } : { fault };
  } catch (error) {
    return { reason: reasonOf(error, { path, ours: import.meta.url }) };
  } finally {
    clearTimeout(timer);
  }
}

if (import.meta.main) {
  const [path = "", patience] = Deno.args;
  console.log("\n" + RESULT + JSON.stringify(await evaluated(path, Number(patience))));
  Deno.exit(0);
}
