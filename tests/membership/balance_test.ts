/** Distribution of micro-batches over workers of unequal speed. */
import { assert, assertEquals, assertLessOrEqual } from "@std/assert";
import {
  balancedShares,
  equalShares,
  makespan,
  SPEED_SAMPLES,
  speedOf,
} from "../../src/membership/balance.ts";

/** All distributions of `n` micro-batches over `world` workers. */
function waysOf(n: number, world: number): number[][] {
  if (world === 1) return [[n]];
  return Array.from(
    { length: n + 1 },
    (_, first) => waysOf(n - first, world - 1).map((rest) => [first, ...rest]),
  ).flat();
}

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);

Deno.test("balancedShares() are equal for equal speeds, lower ranks first", () => {
  assertEquals(balancedShares(8, [5, 5]), [4, 4]);
  assertEquals(balancedShares(8, [5, 5, 5]), [3, 3, 2]);
  assertEquals(equalShares(8, 5), [2, 2, 2, 1, 1]);
  assertEquals(equalShares(1, 1), [1]);
});

Deno.test("balancedShares() gives a slow worker fewer, and each worker at least one", () => {
  assertEquals(balancedShares(8, [10, 30]), [6, 2]);
  assertEquals(balancedShares(8, [30, 10]), [2, 6]);
  assertEquals(balancedShares(16, [10, 10, 10, 30]), [5, 5, 5, 1]);
  assertEquals(balancedShares(4, [1, 1, 1, 1000]), [1, 1, 1, 1]);
  assertEquals(balancedShares(8, [1, 1000]), [7, 1]);
});

Deno.test("balancedShares() leaves the higher ranks without work when there are too many", () => {
  assertEquals(balancedShares(2, [3, 2, 1]), [1, 1, 0]);
});

Deno.test("balancedShares() has the shortest makespan of all distributions that leave no worker idle", () => {
  const speeds = [1, 2, 3, 7.5];
  for (const world of [1, 2, 3]) {
    for (const microBatches of [4, 8]) {
      for (const way of waysOf(world - 1, world)) {
        const ms = way.map((i) => speeds[i] as number);
        const counts = balancedShares(microBatches, ms);
        assertEquals(sum(counts), microBatches);
        assert(counts.every((count) => count > 0));
        const best = Math.min(
          ...waysOf(microBatches, world).filter((other) => other.every((count) => count > 0))
            .map((other) => makespan(other, ms)),
        );
        assertLessOrEqual(makespan(counts, ms), best, `${microBatches} among ${ms}`);
      }
    }
  }
});

Deno.test("makespan() is the time of the last worker", () => {
  assertEquals(makespan([4, 4], [10, 30]), 120);
  assertEquals(makespan([6, 2], [10, 30]), 60);
  assertEquals(makespan([8], [2.5]), 20);
});

Deno.test("speedOf() is the median of enough times, so one outlier does not move it", () => {
  const steady = new Array(SPEED_SAMPLES).fill(10);
  assertEquals(speedOf(steady.slice(1)), undefined);
  assertEquals(speedOf([]), undefined);
  assertEquals(speedOf(steady), 10);
  assertEquals(speedOf([1e9, ...steady.slice(1)]), 10);
  assertEquals(speedOf([8, 1, 7, 2, 6, 3, 5, 4]), 5);
});
