/** Runs the command `workers`. */
import { assertEquals } from "@std/assert";
import { taskWords } from "../../e2e/support.ts";
import type { Lab } from "./support.ts";

/** Changes the number of workers of a run; returns the answer. */
export async function changeWorkers(lab: Lab, out: string, change: string): Promise<string> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [...taskWords("workers"), lab.of(out), change],
    env: { NO_COLOR: "1" },
  }).output();
  assertEquals([code, new TextDecoder().decode(stderr)], [0, ""]);
  return new TextDecoder().decode(stdout);
}
