/** Which known key a misspelt one is taken for. */
import { assertEquals } from "@std/assert";
import { nearestKey } from "../../src/config/suggest.ts";

const KNOWN = [
  "micro_batch_size",
  "eval.every",
  "eval.windows",
  "data.seq_len",
  "optim.lr",
  "checkpoint.every",
];

Deno.test("nearestKey() puts paths with the same last part first", () => {
  const cases = {
    lr: "optim.lr",
    "model.lr": "optim.lr",
    "checkpoints.every": "checkpoint.every",
    "evals.every": "eval.every",
    window: "data.seq_len",
  };
  for (const [given, wanted] of Object.entries(cases)) {
    assertEquals(nearestKey(given, KNOWN), wanted);
  }
});

Deno.test("nearestKey() prefers a longer or shorter form in the same section", () => {
  assertEquals(nearestKey("data.windows", KNOWN), "data.seq_len");
  assertEquals(nearestKey("eval.window", KNOWN), "eval.windows");
});

Deno.test("nearestKey() takes a misspelt last part for the whole path", () => {
  const cases = {
    window5: "micro_batch_size",
    lrr: "optim.lr",
    evry: "eval.every",
    "data.windw": "data.seq_len",
  };
  for (const [given, wanted] of Object.entries(cases)) {
    assertEquals(nearestKey(given, KNOWN), wanted);
  }
});

Deno.test("nearestKey() names no key where none is near", () => {
  for (
    const given of ["", ".", "x".repeat(1000), "foo", "optim.foo", "frobnicate", "data.q", "a.b"]
  ) {
    assertEquals(nearestKey(given, KNOWN), undefined, given);
  }
});
