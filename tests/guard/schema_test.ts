/** The guard part of a config. */
import { assertEquals, assertThrows } from "@std/assert";
import { guardSchema } from "../../src/guard/schema.ts";

Deno.test("an empty guard part halts at faults, reports spikes, and compares hashes", () => {
  assertEquals(guardSchema.parse({}), {
    policy: "halt",
    max_skips: 10,
    rollback_steps: 1,
    spike: 8,
    hash_every: 100,
  });
});

Deno.test("a guard part refuses unknown policies and keys, and numbers below their least", () => {
  for (
    const bad of [
      { policy: "ignore" },
      { max_skips: -1 },
      { rollback_steps: 0 },
      { spike: -1 },
      { hash_every: 0.5 },
      { hash: 1 },
    ]
  ) assertThrows(() => guardSchema.parse(bad));
});
