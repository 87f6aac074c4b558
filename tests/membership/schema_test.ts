/** The recovery part of a config. */
import { assertEquals, assertThrows } from "@std/assert";
import { recoverySchema } from "../../src/membership/schema.ts";

Deno.test("an empty recovery part replaces ten workers within ten minutes", () => {
  assertEquals(recoverySchema.parse({}), {
    restarts: 10,
    window_s: 600,
    deadline_s: 5,
    grace_s: 60,
  });
});

Deno.test("a recovery part may set no restarts, and refuses unknown keys and invalid times", () => {
  assertEquals(recoverySchema.parse({ restarts: 0 }).restarts, 0);
  for (
    const bad of [
      { restarts: -1 },
      { restarts: 1.5 },
      { window_s: 0 },
      { deadline_s: 0 },
      { grace_s: 0 },
      { grace_s: Infinity },
      { retries: 3 },
    ]
  ) assertThrows(() => recoverySchema.parse(bad));
});
