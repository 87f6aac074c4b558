/** Texts that grow side by side are written one behind the other. */
import { assertEquals } from "@std/assert";
import { InTurn } from "../../src/generate/in_turn.ts";

Deno.test("InTurn writes the first text as it grows, the others when they are due", () => {
  const written: string[] = [];
  const texts = new InTurn((text) => written.push(text));
  texts.push(0, "a");
  texts.push(1, "x");
  texts.push(0, "b");
  texts.push(2, "1");
  texts.push(1, "y");
  assertEquals(written, ["a", "b"]);
  texts.end(0);
  assertEquals(written, ["a", "b", "xy"]);
  texts.push(1, "z");
  texts.push(2, "2");
  texts.end(2);
  assertEquals(written, ["a", "b", "xy", "z"]);
  texts.end(1);
  assertEquals(written, ["a", "b", "xy", "z", "12"]);
});
