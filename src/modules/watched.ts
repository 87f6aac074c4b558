/** Ends a child process that runs code of the user together with its parent. */

/**
 * Kills this process when its parent has exited and stdin closes. Runs in a worker thread, because
 * a config can block the main thread forever and handle every other signal.
 */
async function watch(): Promise<void> {
  (globalThis as unknown as Worker).postMessage("begun");
  for await (const _ of Deno.stdin.readable);
  Deno.kill(Deno.pid, "SIGKILL");
}

/** Starts {@linkcode watch} in a worker. A data URL needs no read permission. */
export async function watched(): Promise<void> {
  const code = encodeURIComponent(`(${watch})()`);
  const thread = new Worker(`data:text/javascript,${code}`, { type: "module" });
  await new Promise((begun) => thread.onmessage = begun);
  thread.onmessage = null;
}
