/** Simulated exchanges: real sums in the order of the tree, and times that follow from the figures. */
import { assert, assertAlmostEquals, assertEquals, assertLess } from "@std/assert";
import { Clock } from "../../bench/simulate/clock.ts";
import { XEON } from "../../bench/simulate/machine.ts";
import { simulatedGradient, simulateStep } from "../../bench/simulate/simulate.ts";
import { EXCHANGE_WAYS } from "../../src/reduce/schema.ts";

Deno.test("a thread does one thing after the other, and threads do theirs at once", async () => {
  const clock = new Clock(2);
  const ends: number[] = [];
  const done = Promise.all([
    clock.occupy(0, 2).then(() => ends.push(clock.now)),
    clock.occupy(0, 3).then(() => ends.push(clock.now)),
    clock.occupy(1, 4).then(() => ends.push(clock.now)),
    clock.until(1).then(() => clock.occupy(1, 1)).then(() => ends.push(clock.now)),
  ]);
  assertEquals(await clock.run(), 5);
  await done;
  assertEquals(ends, [2, 4, 5, 5]);
});

for (const workers of [2, 4, 8, 16, 32, 64]) {
  Deno.test(`${workers} simulated workers sum in the order of the tree, in pieces or not`, async () => {
    const elements = 40_000;
    const expected = new Float32Array(elements);
    for (let rank = 0; rank < workers; rank++) {
      simulatedGradient(rank, elements).forEach((x, i) => expected[i] = (expected[i] ?? 0) + x);
    }
    for (const way of EXCHANGE_WAYS) {
      for (const pieces of [1, 3]) {
        const { sum } = await simulateStep({ workers, elements, way, compute: 0.01, pieces });
        assertEquals(sum, expected, `${way}, ${pieces} pieces`);
      }
    }
  });
}

Deno.test("the same options give the same times, and each figure has its part in them", async () => {
  const options = { workers: 4, elements: 1e7, way: "file", compute: 0.02, pieces: 1 } as const;
  const { step, visible } = await simulateStep(options);
  assertEquals((await simulateStep(options)).step, step);
  assertAlmostEquals(step, visible + 0.02);
  for (
    const figures of [
      { ...XEON, frame: 0 },
      { ...XEON, put: { ...XEON.put, file: 0 } },
      { ...XEON, take: { ...XEON.take, file: 0 } },
      { ...XEON, sums: 1e15, memory: 1e18 },
      { ...XEON, read: 0 },
      { ...XEON, write: 0 },
    ]
  ) assertLess((await simulateStep({ ...options, figures })).step, step);
  const contended = await simulateStep({ ...options, figures: { ...XEON, memory: 1e9 } });
  assertLess(step, contended.step);
});

Deno.test("a vector that is scaled down takes the time of the whole", async () => {
  const options = { workers: 4, elements: 2 ** 20, way: "mmap", compute: 0, pieces: 1 } as const;
  const whole = await simulateStep({ ...options, most: 2 ** 20 });
  const scaled = await simulateStep({ ...options, most: 2 ** 16 });
  assertAlmostEquals(whole.step, scaled.step, whole.step / 50);
});

Deno.test("pieces that leave early hide most of an exchange behind the computation", async () => {
  const options = { workers: 8, elements: 1.24e8, way: "mmap", compute: 0.4 } as const;
  const whole = await simulateStep({ ...options, pieces: 1 });
  const pieces = await simulateStep({ ...options, pieces: 8 });
  assert(pieces.visible < whole.visible / 3, `${pieces.visible} of ${whole.visible}`);
});
