import { assertEquals } from "@std/assert";
import { placeOf } from "../../src/checkpoint/places.ts";
import { TempFolder } from "./fixture.ts";

Deno.test("placeOf() is where a link leads to, also while no file is there", () => {
  using temp = new TempFolder();
  const real = Deno.realPathSync(temp.path);
  for (const name of ["run", "disk"]) Deno.mkdirSync(`${real}/${name}`);
  const path = `${real}/run/metrics.jsonl`;
  assertEquals(placeOf(path, true), path);
  Deno.symlinkSync("../disk/m", path);
  assertEquals(placeOf(path, false), path);
  assertEquals(placeOf(path, true), `${real}/disk/m`);
  Deno.writeTextFileSync(`${real}/disk/m`, "");
  assertEquals(placeOf(path, true), `${real}/disk/m`);
  Deno.removeSync(`${real}/disk`, { recursive: true });
  assertEquals(placeOf(path, true), path);
});
