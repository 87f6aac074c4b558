/**
 * Separate disks for a test: a command runs where a small or failing one is mounted, in a mount
 * namespace that ends with it. This needs privileges: such a test uses `needing(name, MOUNT)`.
 */
import { fileURLToPath } from "node:url";

/** Runs a shell script in a mount namespace; returns its output. @throws if it fails. */
export async function inNamespace(script: string): Promise<string> {
  const { success, stdout } = await new Deno.Command("unshare", {
    args: ["-m", "--propagation", "private", "sh", "-eu", "-c", script],
    stdout: "piped",
    stderr: "inherit",
  }).output();
  const text = new TextDecoder().decode(stdout);
  if (!success) throw new Error(`Cannot run ${script}: it failed: ${text}`);
  return text;
}

/** The shell command that runs a script next to this file. */
export function denoRun(script: string, ...args: readonly string[]): string {
  const path = fileURLToPath(new URL(`../children/${script}`, import.meta.url));
  const words = [Deno.execPath(), "run", "--quiet", "--no-prompt", "--no-check", "-A", path];
  return [...words, ...args].map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(" ");
}
