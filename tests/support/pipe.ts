/** Named pipes in the place of files. */

/** Makes a named pipe that nobody writes to. */
export function mkfifo(path: string): void {
  const { success } = new Deno.Command("mkfifo", { args: [path] }).outputSync();
  if (!success) throw new Error(`Cannot make a named pipe at ${path}`);
}

/**
 * Makes a named pipe with a writer that waits for a reader for 20 s: a reader that opens the pipe makes
 * its test fail instead of hanging. Disposing ends the writer.
 */
export function makePipe(path: string): AsyncDisposable {
  mkfifo(path);
  const writer = new Deno.Command("timeout", {
    args: ["20", "sh", "-c", ': > "$0"', path],
    stderr: "null",
  }).spawn();
  return {
    async [Symbol.asyncDispose]() {
      writer.kill();
      await writer.status;
    },
  };
}
