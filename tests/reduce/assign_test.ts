import { assert, assertEquals, assertThrows } from "@std/assert";
import { assign, rangesOf } from "../../src/reduce/assign.ts";
import { sliceOf } from "../../src/reduce/slices.ts";
import { cover } from "../../src/reduce/tree.ts";

Deno.test("assign() partitions the micro-batches in order, as equally as possible", () => {
  for (const microBatches of [1, 2, 4, 8, 16, 64]) {
    for (let world = 1; world <= 20; world++) {
      const ranges = assign(microBatches, world);
      assertEquals(ranges.length, world);
      let at = 0;
      for (const { first, count } of ranges) {
        assertEquals(first, at);
        at += count;
      }
      assertEquals(at, microBatches);
      const counts = ranges.map((range) => range.count);
      assert(Math.max(...counts) - Math.min(...counts) <= 1);
    }
  }
});

Deno.test("assign() gives one node of the tree to each when the world divides the step", () => {
  for (const world of [1, 2, 4, 8, 16]) {
    for (const { first, count } of assign(16, world)) assertEquals(cover(first, count).length, 1);
  }
});

Deno.test("assign() leaves workers without work when there are too many", () => {
  assertEquals(assign(2, 4).map((range) => range.count), [0, 1, 0, 1]);
});

Deno.test("assign() refuses a world of none", () => {
  assertThrows(() => assign(4, 0), RangeError, "at least one worker: got 0");
  assertThrows(() => assign(4, 1.5), RangeError);
});

Deno.test("rangesOf() returns consecutive ranges without gaps", () => {
  assertEquals(rangesOf([5, 2, 1]), [
    { first: 0, count: 5 },
    { first: 5, count: 2 },
    { first: 7, count: 1 },
  ]);
  assertEquals(rangesOf([0, 3, 0, 1]), [
    { first: 0, count: 0 },
    { first: 0, count: 3 },
    { first: 3, count: 0 },
    { first: 3, count: 1 },
  ]);
  assertEquals(rangesOf([]), []);
});

Deno.test("rangesOf() the counts of assign() is assign()", () => {
  for (const world of [1, 2, 3, 5, 8, 20]) {
    const ranges = assign(16, world);
    assertEquals(rangesOf(ranges.map(({ count }) => count)), ranges);
  }
});

Deno.test("sliceOf() tiles the vector at multiples of 64 bytes", () => {
  for (const n of [0, 1, 15, 16, 17, 100, 1000, 1_000_003]) {
    for (const world of [1, 2, 3, 5, 8]) {
      const slices = Array.from({ length: world }, (_, rank) => sliceOf(n, world, rank));
      let at = 0;
      for (const { start, end } of slices) {
        assertEquals(start, at);
        assert(start % 16 === 0 || start === n);
        assert(end - start <= Math.ceil(n / 16 / world) * 16);
        at = end;
      }
      assertEquals(at, n);
    }
  }
});
