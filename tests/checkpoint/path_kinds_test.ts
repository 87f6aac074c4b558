import { assertEquals } from "@std/assert";
import { resolveOutput } from "../../src/checkpoint/path_kinds.ts";
import { TempFolder } from "./fixture.ts";

Deno.test("resolveOutput() is the target of a link, also of a dangling one", () => {
  using temp = new TempFolder();
  const real = Deno.realPathSync(temp.path);
  for (const name of ["run", "disk"]) Deno.mkdirSync(`${real}/${name}`);
  const path = `${real}/run/metrics.jsonl`;
  assertEquals(resolveOutput(path, true), path);
  Deno.symlinkSync("../disk/m", path);
  assertEquals(resolveOutput(path, false), path);
  assertEquals(resolveOutput(path, true), `${real}/disk/m`);
  Deno.writeTextFileSync(`${real}/disk/m`, "");
  assertEquals(resolveOutput(path, true), `${real}/disk/m`);
  Deno.removeSync(`${real}/disk`, { recursive: true });
  assertEquals(resolveOutput(path, true), path);
});
