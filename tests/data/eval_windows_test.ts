/** Evaluation windows: each target once, with its context; limits. */
import { assertEquals } from "@std/assert";
import { type EvalShape, evalWindows } from "../../src/data/eval_windows.ts";

const all = (n: number, shape: EvalShape) => {
  const { count, at } = evalWindows(n, shape);
  return Array.from({ length: count }, (_, k) => at(k));
};

Deno.test("evalWindows() asks every token but the first exactly once, in order", () => {
  for (const window of [1, 2, 4, 7]) {
    for (let stride = 1; stride <= window; stride++) {
      for (let n = 0; n < 40; n++) {
        const asked = all(n, { window, stride, limit: 0 }).flatMap(({ start, from, to }) =>
          Array.from({ length: to - from }, (_, i) => start + from + i + 1)
        );
        const expected = Array.from({ length: Math.max(0, n - 1) }, (_, i) => i + 1);
        assertEquals(asked, expected, `window ${window}, stride ${stride}, ${n} tokens`);
      }
    }
  }
});

Deno.test("evalWindows() gives each target window - stride tokens before it, or all there are", () => {
  const [window, stride] = [8, 3];
  for (const { start, from, to } of all(101, { window, stride, limit: 0 })) {
    for (let t = from; t < to; t++) {
      const context = t + 1;
      const possible = start + t + 1;
      assertEquals(context >= Math.min(possible, window - stride + 1), true);
    }
    assertEquals(to <= window && start + to <= 100, true);
  }
});

Deno.test("evalWindows() with a limit spreads whole windows over the part", () => {
  const starts = (limit: number) =>
    all(101, { window: 4, stride: 4, limit }).map(({ start }) => start);
  assertEquals(starts(5), [0, 20, 40, 60, 80]);
  assertEquals(starts(4), [0, 24, 48, 72]);
  assertEquals(starts(25), starts(0));
  assertEquals(starts(1000), starts(0));
  for (let limit = 1; limit <= 25; limit++) assertEquals(new Set(starts(limit)).size, limit);
  // A text shorter than a window is one short window.
  assertEquals(all(4, { window: 4, stride: 4, limit: 3 }), [{ start: 0, from: 0, to: 3 }]);
});
