/** A window's tokens do not depend on how they were fed. */
import { assert, assertEquals } from "@std/assert";
import { cutIntoChunks, keptTokens, largestChunk, slide } from "../../src/engine/decode_window.ts";

Deno.test("a window keeps three quarters when it slides, and room for a token", () => {
  assertEquals([1, 2, 3, 4, 5, 100].map(keptTokens), [0, 1, 2, 3, 3, 75]);
});

Deno.test("tokens fed at once give the same window as tokens fed one by one", () => {
  for (const context of [1, 2, 3, 4, 7, 16]) {
    for (let start = 0; start <= context; start++) {
      let step = { length: start, slides: 0 };
      for (let count = 1; count < 4 * context + 3; count++) {
        const next = slide({ length: step.length, count: 1, context });
        step = { length: next.length, slides: step.slides + next.slides };
        assertEquals(slide({ length: start, count, context }), step);
        assert(step.length > 0 && step.length <= context);
      }
    }
  }
});

Deno.test("chunks are the largest that fit, and cover all tokens", () => {
  assertEquals(cutIntoChunks(0, 100), []);
  assertEquals(cutIntoChunks(75, 100), [64, 8, 1, 1, 1]);
  assertEquals(cutIntoChunks(17, 10), [8, 8, 1]);
  assertEquals(cutIntoChunks(3, 3), [1, 1, 1]);
  assertEquals([1, 7, 8, 63, 64, 1000].map(largestChunk), [1, 1, 8, 8, 64, 64]);
});
