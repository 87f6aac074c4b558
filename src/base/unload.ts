/** What is done when the process ends by itself, even where no `finally` runs. */

/**
 * Calls `work` at `Deno.exit` unless it is disposed before. `work` must be synchronous. A process
 * that is killed by a signal it does not handle calls nothing.
 */
export function atUnload(work: () => void): Disposable {
  globalThis.addEventListener("unload", work);
  return { [Symbol.dispose]: () => globalThis.removeEventListener("unload", work) };
}
