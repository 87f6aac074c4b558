/**
 * Disks of their own for a test: a command runs where a small or a dying one is mounted, in a mount
 * namespace that is gone with it. Few may do that: such a test says `needing(name, MOUNT)`.
 */
import { fileURLToPath } from "node:url";

/** Runs a shell script in a mount namespace; gives what it prints. Throws when it fails. */
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

/** The shell command that runs a script beside this file with arguments. */
export function denoRun(script: string, ...args: readonly string[]): string {
  const path = fileURLToPath(new URL(`../children/${script}`, import.meta.url));
  const words = [Deno.execPath(), "run", "--quiet", "--no-prompt", "--no-check", "-A", path];
  return [...words, ...args].map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(" ");
}
