/** What is done when the process ends by itself, even where no `finally` runs. */

/**
 * Calls `work` at `Deno.exit` unless it is disposed before. `work` must be synchronous; what it
 * throws is dropped, since an error then would replace the exit code. A process that is killed by a
 * signal it does not handle calls nothing.
 */
export function atUnload(work: () => void): Disposable {
  const listener = () => {
    try {
      work();
    } catch {
      // What could not be removed stays: the process has ended by something else.
    }
  };
  globalThis.addEventListener("unload", listener);
  return { [Symbol.dispose]: () => globalThis.removeEventListener("unload", listener) };
}
