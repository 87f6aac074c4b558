/** The worker processes of this process, for tests that kill some. */

/** Process ids of the workers that this process has started, in order of their start. */
export function workersOf(parent: number = Deno.pid): number[] {
  const words = ["-P", String(parent), "-f", "workers/(module_)?worker\\.ts"];
  const { stdout } = new Deno.Command("pgrep", { args: words, stderr: "null" }).outputSync();
  return new TextDecoder().decode(stdout).split("\n").filter((line) => line !== "").map(Number);
}

/** The command line of each worker that this process has started. */
export function optionsOf(): string[] {
  const words = ["-o", "args=", "-p", workersOf().join()];
  const { stdout } = new Deno.Command("ps", { args: ["-ww", ...words] }).outputSync();
  return new TextDecoder().decode(stdout).split("\n").filter((line) => line !== "");
}
