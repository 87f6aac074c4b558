/** Random numbers are a pure function of seed, row and position. */
import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { rowKey, uniformAt } from "../../src/generate/uniform.ts";
import { chiSquare } from "./chi_square.ts";

Deno.test("uniformAt() depends on seed, row and position, and on nothing else", () => {
  const at = (seed: number, row: number, position: number) =>
    uniformAt(rowKey(seed, row), position);
  const all = [0, 1, 2 ** 40].flatMap((seed) =>
    [0, 1, 2].flatMap((row) => [0, 1, 2].map((position) => at(seed, row, position)))
  );
  assertEquals(new Set(all).size, 27);
  assertEquals(at(1, 2, 3), at(1, 2, 3));
  assertNotEquals(at(1, 0, 1), at(1, 1, 0));
});

Deno.test("uniformAt() is uniform in [0, 1)", () => {
  const key = rowKey(3, 1);
  const counts = new Array(64).fill(0);
  for (let i = 0; i < 10_000; i++) {
    const u = uniformAt(key, i);
    assert(u >= 0 && u < 1);
    counts[Math.floor(u * 64)] += 1;
  }
  const { statistic, critical } = chiSquare(counts, new Array(64).fill(1 / 64));
  assert(statistic < critical, `${statistic} is above ${critical}`);
});
