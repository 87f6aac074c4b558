/**
 * Runs of `train` whose permission requests are recorded by Deno, granted or not,
 * one JSON a line. It does not record `run`, nor the process.
 */
import { assert } from "@std/assert";
import { resolve } from "node:path";
import {
  ONE_ADAPTER,
  type Place,
  ROOT,
  SAMPLES,
  taskOptions,
  tinyArgs,
} from "../../e2e/support.ts";

const ENTRY = ROOT + "tests/faults/children/audited_child.ts";

/** The requests of a process: "kind value", sorted and unique, with absolute paths. */
export async function audit(who: "coordinator" | "workers", place: Place): Promise<string[]> {
  const { code, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [...taskOptions(), ENTRY, who, ...tinyArgs("run", "--workers=2", SAMPLES)],
    cwd: place.path,
    env: {
      NO_COLOR: "1",
      INIT_CWD: "", // A run that a task starts also looks for the checkout.
      ...ONE_ADAPTER,
      TMPDIR: place.of("tmp"),
      // Processes would overwrite each other in a file; a pipe keeps each line.
      ...(who === "coordinator" && { DENO_AUDIT_PERMISSIONS: "/dev/stderr" }),
    },
    stdout: "null",
  }).output();
  const text = new TextDecoder().decode(stderr);
  assert(code === 0, text);
  const lines = text.split("\n").filter((line) => line !== "");
  return [...new Set(lines.map((line) => entry(line, place)))].sort();
}

function entry(line: string, place: Place): string {
  assert(line.startsWith(`{"v":1,`), `No line of an audit: ${line}`);
  const { permission, value } = JSON.parse(line);
  const isFile = permission === "read" || permission === "write";
  return `${permission} ${isFile ? resolve(place.path, value.replace(/^file:/, "")) : value}`;
}
