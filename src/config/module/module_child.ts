/**
 * Entry of a process that evaluates a config: a config is code, and may be a stranger's. The process
 * has no permission but to read what the config imports from its project. Its last line is what came of it, as JSON.
 */
import { pathToFileURL } from "node:url";
import { moduleReason } from "./module_reason.ts";
import { plainFault } from "../plain_data.ts";

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
    return { reason: moduleReason(error, { path, ours: import.meta.url }) };
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Kills this process where its command is gone, which cannot kill it then. Runs in a thread of its
 * own: a config may compute for ever and handle all other signals, and cannot reach the thread.
 */
async function watch(): Promise<void> {
  (globalThis as unknown as Worker).postMessage("begun");
  for await (const _ of Deno.stdin.readable);
  Deno.kill(Deno.pid, "SIGKILL");
}

/** Begins to {@linkcode watch}: as a URL the thread's code is read without a permission. */
async function watched(): Promise<void> {
  const code = encodeURIComponent(`(${watch})()`);
  const thread = new Worker(`data:text/javascript,${code}`, { type: "module" });
  await new Promise((begun) => thread.onmessage = begun);
  thread.onmessage = null;
}

if (import.meta.main) {
  await watched();
  const [path = "", patience] = Deno.args;
  console.log("\n" + RESULT + JSON.stringify(await evaluated(path, Number(patience))));
  Deno.exit(0);
}
