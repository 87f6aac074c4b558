import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import {
  addStep,
  type Mark,
  rateFrom,
  secondsLeft,
  tokensPerSecond,
} from "../../src/report/progress/rate.ts";

const ZERO: Mark = { tokens: 0, seconds: 0 };

/** The rate after steps of 100 tokens that took so many seconds each. */
function after(
  steps: readonly number[],
  { window, start = ZERO }: { window?: number; start?: Mark },
) {
  let mark = start;
  let rate = rateFrom(start, window === undefined ? {} : { window });
  for (const seconds of steps) {
    mark = { tokens: mark.tokens + 100, seconds: mark.seconds + seconds };
    rate = addStep(rate, mark);
  }
  return tokensPerSecond(rate);
}

Deno.test("tokensPerSecond() is 0 before the first step", () => {
  assertEquals(after([], {}), 0);
  assertEquals(after([0], {}), 0);
});

Deno.test("tokensPerSecond() drops the first step as soon as there is a second", () => {
  assertEquals(after([50], {}), 2);
  assertEquals(after([50, 1], {}), 100);
  assertEquals(after([50, 1, 3], {}), 50);
});

Deno.test("tokensPerSecond() sees only the steps in its window", () => {
  assertEquals(after([50, 10, 10, 1, 1], { window: 2 }), 100);
  assertEquals(after([50, 10, 10, 1, 1], { window: 1 }), 100);
  assertAlmostEquals(after([50, 10, 10, 1, 1], { window: 3 }), 25, 1e-12);
  assertAlmostEquals(after(Array(100).fill(0.5), {}), 200, 1e-9);
});

Deno.test("tokensPerSecond() does not count tokens from before a resume", () => {
  assertEquals(after([4], { start: { tokens: 1e6, seconds: 10 } }), 25);
});

Deno.test("rateFrom() refuses a window that holds no step", () => {
  for (const window of [0, -1, 1.5]) {
    assertThrows(() => rateFrom(ZERO, { window }), RangeError, "at least 1 step");
  }
});

Deno.test("secondsLeft() counts the steps that are left", () => {
  const left = { step: 30, steps: 40, tokensPerStep: 64, tokensPerS: 32 };
  assertEquals(secondsLeft(left), 20);
  assertEquals(secondsLeft({ ...left, step: 40 }), 0);
  assertEquals(secondsLeft({ ...left, step: 41 }), 0);
  assertEquals(secondsLeft({ ...left, tokensPerS: 0 }), undefined);
});
