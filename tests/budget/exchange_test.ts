/** What an exchange is foretold to move and hold, against what it moves and holds. */
import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { exchangeOf } from "../../src/budget/exchange.ts";
import { EXCHANGE_WAYS } from "../../src/reduce/schema.ts";
import { closeAll, memoryMesh, reducers, rootsOf, summed } from "../reduce/mesh.ts";
import { assign } from "../../src/reduce/assign.ts";

Deno.test("a worker alone exchanges nothing", () => {
  const one = { elements: 100, workers: 1, microBatches: 4, way: "file" } as const;
  assertEquals(exchangeOf(one), null);
});

Deno.test("the bytes of a step are those that workers send", async () => {
  const elements = 16 * 840;
  for (const workers of [2, 4, 8]) {
    const mesh = await memoryMesh(workers);
    const all = reducers(mesh, 8, elements);
    const ranges = assign(8, workers);
    await Promise.all(all.map((reducer, rank) => {
      const range = ranges[rank] ?? { first: 0, count: 0 };
      return summed(reducer, 0, rootsOf(range, elements));
    }));
    const told = exchangeOf({ elements, workers, microBatches: 8, way: "sockets" });
    for (const { stats } of all) assertEquals(stats.bytesSent, told?.bytes);
    closeAll(mesh);
  }
});

Deno.test("an exchange holds one gradient and little beside it, whatever its way", () => {
  const elements = 124e6;
  for (const way of EXCHANGE_WAYS) {
    const told = exchangeOf({ elements, workers: 8, microBatches: 8, way });
    assert(told !== null);
    assertEquals(told.bytes, 2 * 7 / 8 * 4 * elements);
    assert(told.memory >= 4 * elements && told.memory < 1.25 * 4 * elements, `${told.memory}`);
    assertAlmostEquals(told.seconds, told.bytes / told.pace);
  }
});
