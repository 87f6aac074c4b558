/**
 * Entry of the process that evaluates a config module, which may be untrusted code. Its only
 * permission is to read what the config imports from its project. Its last line is the result, as
 * JSON.
 */
import { pathToFileURL } from "node:url";
import { moduleReason } from "../../modules/module_reason.ts";
import { watched } from "../../modules/watched.ts";
import { plainFault } from "../plain_data.ts";

/** Prefix of the line with the result, which separates it from the config's own output. */
export const RESULT = "shoal-config ";

/** Result of the evaluation of a config. */
export type Evaluated =
  /** The default export as plain data; omitted if there is none. */
  | { readonly value?: unknown }
  /** The part of the default export that is no plain data. */
  | { readonly fault: string }
  /** Why the module does not load. */
  | { readonly reason: string };

/** Imports a module and checks its default export. The check calls getters, which can throw. */
async function evaluated(path: string, timeout: number): Promise<Evaluated> {
  const late = Promise.withResolvers<never>();
  // Deno exits when only a pending promise is left: the timer keeps the process alive.
  const timer = setTimeout(
    () => late.reject(new Error(`it waits for longer than ${timeout / 1000} s`)),
    timeout,
  );
  try {
    const loading: Promise<{ readonly default?: unknown }> = import(pathToFileURL(path).href);
    const { default: value } = await Promise.race([loading, late.promise]);
    if (value === undefined) return {};
    const fault = plainFault(value);
    return fault === undefined ? { value } : { fault };
  } catch (error) {
    return { reason: moduleReason(error, { path, ours: import.meta.url }) };
  } finally {
    clearTimeout(timer);
  }
}

if (import.meta.main) {
  await watched();
  const [path = "", timeout] = Deno.args;
  console.log("\n" + RESULT + JSON.stringify(await evaluated(path, Number(timeout))));
  Deno.exit(0);
}
