/** Cleanup at `Deno.exit`, where no `finally` block runs. */

/**
 * Calls `work` at `Deno.exit` unless disposed before. `work` must be synchronous; its errors are
 * dropped, because they would replace the exit code. A process killed by an unhandled signal does
 * not call it.
 */
export function atUnload(work: () => void): Disposable {
  const listener = () => {
    try {
      work();
    } catch {
      // Best effort: the process is already exiting.
    }
  };
  globalThis.addEventListener("unload", listener);
  return { [Symbol.dispose]: () => globalThis.removeEventListener("unload", listener) };
}
