/** How long a sweep will take: from steps that were timed, and from trials that are finished. */
import { assertAlmostEquals, assertEquals } from "@std/assert";
import {
  extremes,
  flopsPerSecond,
  secondsBySteps,
  sweepText,
  workOf,
} from "../../src/sweep/forecast.ts";
import type { TrialRow } from "../../src/sweep/rows.ts";
import type { Trial } from "../../src/sweep/types.ts";

const trial = (name: string, steps: number, stepFlops: number) =>
  ({ name, flops: steps * stepFlops, config: { steps } }) as Trial;

Deno.test("a small and a large step tell what a step costs whatever its size, and for each FLOP", () => {
  // 10 ms, and 1 ns for each FLOP.
  const timed = [{ stepFlops: 1e6, seconds: 0.011 }, { stepFlops: 1e8, seconds: 0.11 }];
  const seconds = (stepFlops: number, steps = 1) => secondsBySteps([{ steps, stepFlops }], timed);
  assertAlmostEquals(seconds(1e6), 0.011, 1e-12);
  assertAlmostEquals(seconds(1e8), 0.11, 1e-12);
  assertAlmostEquals(seconds(5e7, 100), 6, 1e-9);
  const both = [{ steps: 3, stepFlops: 1e6 }, { steps: 2, stepFlops: 1e8 }];
  assertAlmostEquals(secondsBySteps(both, timed), 3 * 0.011 + 2 * 0.11, 1e-12);
});

Deno.test("steps that cost the same, or one alone, count by themselves", () => {
  const work = [{ steps: 10, stepFlops: 5 }];
  assertEquals(secondsBySteps(work, [{ stepFlops: 7, seconds: 2 }]), 20);
  const noisy = [{ stepFlops: 1, seconds: 3 }, { stepFlops: 9, seconds: 2 }];
  assertEquals(secondsBySteps(work, noisy), 20);
});

Deno.test("extremes() are the trials with the smallest and the largest step, one where all are alike", () => {
  const all = [trial("b", 10, 5), trial("a", 99, 1), trial("c", 1, 9)];
  assertEquals(extremes(all).map(({ name }) => name), ["a", "c"]);
  assertEquals(extremes([trial("x", 10, 5), trial("y", 20, 5)]).length, 1);
  assertEquals(extremes([]), []);
});

Deno.test("workOf() leaves out what a trunk has done", () => {
  assertEquals(workOf(trial("a", 40, 3), 16), { steps: 24, stepFlops: 3 });
  assertEquals(workOf(trial("a", 40, 3), 50).steps, 0);
});

Deno.test("finished trials tell a pace; branches, failures and trials without a time do not", () => {
  const row = (changes: Partial<TrialRow>) =>
    ({ status: "done", seconds: 10, flops: 100, trunk: null, ...changes }) as TrialRow;
  assertEquals(flopsPerSecond([]), undefined);
  assertEquals(flopsPerSecond([row({}), row({ seconds: 30 })]), 5);
  const others = [
    row({ status: "failed", flops: 1e9 }),
    row({ seconds: 0 }),
    row({ trunk: { key: "k", step: 4 }, flops: 1e9 }),
  ];
  assertEquals(flopsPerSecond(others), undefined);
  assertEquals(flopsPerSecond([...others, row({})]), 10);
});

Deno.test("sweepText() tells what runs, and what is left once enough is done to tell", () => {
  const running = [{ name: "lr=0.01", step: 120, until: 600 }];
  const text = (done: number, seconds: number) =>
    sweepText({ over: 2, trials: 9, running, done, left: 300 }, seconds);
  assertEquals(text(100, 30), "2/9 trials over  30 s, about 1 m 30 s left  lr=0.01 120/600");
  assertEquals(text(100, 10), "2/9 trials over  10 s  lr=0.01 120/600");
  assertEquals(text(1, 30), "2/9 trials over  30 s  lr=0.01 120/600");
  assertEquals(
    sweepText({ over: 9, trials: 9, running: [], done: 1, left: 0 }, 50),
    "9/9 trials over  50 s",
  );
});
