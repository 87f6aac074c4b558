/** Runs a task of deno.json that is one command of Deno without a shell's tricks. */
import { assert } from "@std/assert";
import { type Ended, type Place, ROOT, withoutStatus } from "./support.ts";

/** Runs the task `name` in a place, with its own permissions, to its end. */
export async function runTask(
  place: Place,
  { name, args }: { name: string; args: readonly string[] },
): Promise<Ended> {
  const { tasks } = JSON.parse(Deno.readTextFileSync(ROOT + "deno.json"));
  const [deno, ...words] = String(tasks[name]).split(" ");
  const script = words.pop();
  assert(deno === "deno" && script?.endsWith(".ts"), `Cannot run the task ${name}: ${tasks[name]}`);
  const start = performance.now();
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [...words, ROOT + script, ...args],
    cwd: place.path,
    env: { NO_COLOR: "1", TMPDIR: place.of("tmp") },
    stdin: "null",
  }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  const said = withoutStatus(text(stderr));
  return { code, stdout: text(stdout), stderr: said, ms: performance.now() - start };
}
