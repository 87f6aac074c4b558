/** Named pipes in the place of files: nobody may wait for them. */

/**
 * Makes a named pipe. For 20 s somebody would write to it and leave, so that a reader that waits makes
 * its test fail and not hang; disposing ends that.
 */
export function makePipe(path: string): AsyncDisposable {
  const { success } = new Deno.Command("mkfifo", { args: [path] }).outputSync();
  if (!success) throw new Error(`Cannot make a named pipe at ${path}`);
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
