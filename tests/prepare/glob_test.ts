/** Patterns of file names. */
import { assertEquals, assertRejects } from "@std/assert";
import { UserError } from "../../src/base/user_error.ts";
import { expandGlobs } from "../../src/prepare/glob.ts";
import { Desk } from "./fixture.ts";

Deno.test("expand() finds what a shell would", async () => {
  using desk = new Desk();
  const files = ["a.txt", "b.txt", "c+.jsonl", ".hidden.txt", "x/a.txt", "x/y/d.txt", ".x/a.txt"];
  for (const name of files) desk.write(name, "");
  const found = async (pattern: string) =>
    (await expandGlobs(desk.of(pattern))).map((path) => path.slice(desk.path.length + 1)).sort();
  assertEquals(await found("*.txt"), ["a.txt", "b.txt"]);
  assertEquals(await found("?.txt"), ["a.txt", "b.txt"]);
  assertEquals(await found("[!b-z].txt"), ["a.txt"]);
  assertEquals(await found("{b,c+}.{txt,jsonl}"), ["b.txt", "c+.jsonl"]);
  assertEquals(await found("**/a.txt"), ["a.txt", "x/a.txt"]);
  assertEquals(await found("*/*.txt"), ["x/a.txt"]);
  assertEquals(await found("x/**"), ["x/a.txt", "x/y/d.txt"]);
  assertEquals(await found("x/**/*.txt"), ["x/a.txt", "x/y/d.txt"]);
  assertEquals(await found("*"), ["a.txt", "b.txt", "c+.jsonl"]);
  assertEquals(await found("none/*"), []);
  await assertRejects(() => expandGlobs("{a"), UserError, "braces and brackets that close");
});
