/** Concurrent trainings on the least used cards. */
import { assertEquals } from "@std/assert";
import { spread } from "../../src/cards/spread.ts";

Deno.test("spread() gives each training a card of its own as long as there is one", () => {
  const cards = ["a", "b", "c"];
  assertEquals(spread(cards, { workers: 1, inUse: [] }), ["a"]);
  assertEquals(spread(cards, { workers: 1, inUse: ["a", "c"] }), ["b"]);
  assertEquals(spread(cards, { workers: 2, inUse: ["a"] }), ["b", "c"]);
  assertEquals(spread(cards, { workers: 1, inUse: ["a", "b", "c", "a"] }), ["b"]);
});

Deno.test("spread() lets workers share where there are more of them, and gives nothing without cards", () => {
  assertEquals(spread(["a", "b"], { workers: 5, inUse: ["a"] }), ["a", "a", "b", "b", "b"]);
  assertEquals(spread(["a"], { workers: 2, inUse: [] }), ["a", "a"]);
  assertEquals(spread([], { workers: 3, inUse: [] }), []);
});
