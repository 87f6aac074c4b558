/** Runs the command `workers`. */
import { assertEquals } from "@std/assert";
import { ROOT } from "../../e2e/support.ts";
import type { Lab } from "./support.ts";

/** Changes the number of workers of a run; returns the answer. */
export async function changeWorkers(lab: Lab, out: string, change: string): Promise<string> {
  const { tasks } = JSON.parse(Deno.readTextFileSync(ROOT + "deno.json"));
  const [, ...words] = String(tasks.workers).split(" ");
  const entry = words.pop();
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [...words, ROOT + entry, lab.of(out), change],
    env: { NO_COLOR: "1" },
  }).output();
  assertEquals([code, new TextDecoder().decode(stderr)], [0, ""]);
  return new TextDecoder().decode(stdout);
}
