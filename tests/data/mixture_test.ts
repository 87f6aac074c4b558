/** Mixtures of texts: shares, and that every window of a text has one number. */
import { assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { rootKey } from "../../src/base/random.ts";
import { mixture, shareOut } from "../../src/data/mixture.ts";

const KEY = rootKey(7);
const ROUND = 1024;

Deno.test("mixture() numbers the windows of each text without gap or repetition", () => {
  const mix = mixture(KEY, [5, 3, 0.1]);
  const seen: number[][] = [[], [], []];
  for (let g = 0; g < 4 * ROUND; g++) {
    const { text, number } = mix(g);
    seen[text]?.push(number);
  }
  for (const numbers of seen) {
    assertEquals(numbers.toSorted((a, b) => a - b), Array.from(numbers, (_, i) => i));
  }
});

Deno.test("mixture() keeps its weights in every round of windows", () => {
  const weights = [5, 3, 2];
  const mix = mixture(KEY, weights);
  for (const round of [0, 1, 7, 2 ** 33]) {
    const counts = [0, 0, 0];
    for (let i = 0; i < ROUND; i++) {
      const { text } = mix(round * ROUND + i);
      counts[text] = (counts[text] as number) + 1;
    }
    assertEquals(counts, shareOut(weights, ROUND));
    weights.forEach((w, i) =>
      assertEquals(Math.abs((counts[i] as number) - ROUND * w / 10) <= 1, true)
    );
  }
});

Deno.test("mixture() draws another order in each round, and by each key", () => {
  const order = (key = KEY, round = 0) => {
    const mix = mixture(key, [1, 1]);
    return Array.from({ length: ROUND }, (_, i) => mix(round * ROUND + i).text).join("");
  };
  assertEquals(order(), order());
  assertNotEquals(order(), order(KEY, 1));
  assertNotEquals(order(), order(rootKey(8)));
});

Deno.test("mixture() of one text is that text", () => {
  assertEquals(mixture(KEY, [0.3])(12345), { text: 0, number: 12345 });
});

Deno.test("shareOut() gives all of it away, one at least to each, and refuses what is no weight", () => {
  assertEquals(shareOut([1, 1, 1], 1024), [342, 341, 341]);
  assertEquals(shareOut([1e9, 1e-9], 1024), [1023, 1]);
  assertEquals(shareOut([2, 1], 3), [2, 1]);
  assertEquals(shareOut([7, 7, 7], 3), [1, 1, 1]);
  for (const weights of [[1, 0], [1, -1], [1, NaN], [Infinity, 1], [1, 1, 1]]) {
    assertThrows(() => shareOut(weights, 2), RangeError, "Cannot mix texts");
  }
});
