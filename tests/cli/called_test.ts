/** Texts name commands as their reader calls them. */
import { assertEquals } from "@std/assert";
import { asCalled } from "../../src/cli/called.ts";

Deno.test("asCalled() leaves texts of a checkout alone, and names the package's program elsewhere", () => {
  const text = "Usage: deno task train, or deno task eval; deno tasks";
  assertEquals(asCalled(text), text);
  assertEquals(asCalled(text, true), "Usage: npx shoal train, or npx shoal eval; deno tasks");
});
