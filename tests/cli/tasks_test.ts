/** The tasks of deno.json: short lines, each with a permission set of its own file. */
import { assert, assertEquals, assertLess } from "@std/assert";
import denoJson from "../../deno.json" with { type: "json" };
import { allowRun } from "../../src/cli/allow_run.ts";

const TASKS = Object.entries(denoJson.tasks).filter(([name]) => !["check", "ok"].includes(name));

Deno.test("a task's line, which Deno prints before it runs, is short and names permissions once", () => {
  const used = TASKS.map(([name, line]) => {
    assertLess(line.length, 125, name);
    assert(!/--allow|--deny/.test(line), `${name} has permissions beside its set`);
    const [, set = ""] = / --no-prompt (?:--no-remote )?-P=(\w+) /.exec(line + " ") ?? [];
    assert(set in denoJson.permissions, `${name}: ${line}`);
    return set;
  });
  const sets = Object.keys(denoJson.permissions).filter((set) => set !== "default");
  assertEquals([...new Set(used)].sort(), sets.sort());
});

Deno.test("the flag to start processes names this Deno, whatever its path, and nvidia-smi", () => {
  assertEquals(allowRun("/usr/bin/deno", undefined), "--allow-run=/usr/bin/deno,nvidia-smi");
  assertEquals(allowRun("/my größe #1/deno", ""), "--allow-run=/my größe #1/deno,nvidia-smi");
  assertEquals(allowRun("/a,b/deno", ""), "--allow-run");
  assertEquals(allowRun("/usr/bin/deno", "/usr/lib"), "--allow-run");
});
