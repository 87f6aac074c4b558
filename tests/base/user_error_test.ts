import { assert, assertEquals } from "@std/assert";
import { EXIT, UserError } from "../../src/base/user_error.ts";

Deno.test("a UserError has the name of its exit code", () => {
  const refusal = new UserError("noInput", "Cannot read x");
  assert(refusal instanceof Error);
  assertEquals([refusal.name, refusal.exit, refusal.message], [
    "UserError",
    "noInput",
    "Cannot read x",
  ]);
});

Deno.test("exit codes are distinct, fit a byte, and keep their meaning", () => {
  const codes = Object.values(EXIT);
  assertEquals(new Set<number>(codes).size, codes.length);
  // Shells reserve 126 and up.
  assert(codes.every((code) => code >= 0 && code < 126));
  assertEquals([EXIT.done, EXIT.config, EXIT.noDevice, EXIT.bug, EXIT.tooLarge], [
    0,
    64,
    69,
    70,
    72,
  ]);
});
