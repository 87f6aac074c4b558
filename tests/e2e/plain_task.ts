/** Runs a command with its options and permissions. */
import { type Ended, type Place, taskWords, withoutStatus } from "./support.ts";

/** Runs the task `name` in a place, with its own permissions, to its end. */
export async function runTask(
  place: Place,
  { name, args }: { name: string; args: readonly string[] },
): Promise<Ended> {
  const start = performance.now();
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [...taskWords(name), ...args],
    cwd: place.path,
    env: { NO_COLOR: "1", TMPDIR: place.of("tmp") },
    stdin: "null",
  }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  const said = withoutStatus(text(stderr));
  return { code, stdout: text(stdout), stderr: said, ms: performance.now() - start };
}
