import { assertEquals, assertGreater, assertStrictEquals, assertThrows } from "@std/assert";
import {
  type FlatLayout,
  mergeParts,
  mergePartsAsync,
  type TensorPart,
} from "../../src/checkpoint/merge.ts";

const FLAT = Float32Array.from({ length: 24 }, (_, i) => i);
const LAYOUT: FlatLayout = {
  length: 24,
  tensors: [
    { name: "a", shape: [2, 3], offset: 0 },
    { name: "s", shape: [], offset: 8 },
    { name: "empty", shape: [0], offset: 12 },
    { name: "b", shape: [8], offset: 16 },
  ],
};

/** The flat vector split at the given positions. */
function cutAt(...cuts: number[]): TensorPart[] {
  const starts = [0, ...cuts];
  return starts.map((start, i) => ({ start, data: FLAT.slice(start, starts[i + 1]) }));
}

Deno.test("mergeParts() returns the same tensors for any split of the vector", () => {
  const whole = mergeParts(LAYOUT, cutAt());
  assertEquals(whole.map(({ name }) => name), ["a", "s", "empty", "b"]);
  assertEquals(whole.map(({ data }) => [...data]), [
    [0, 1, 2, 3, 4, 5],
    [8],
    [],
    [16, 17, 18, 19, 20, 21, 22, 23],
  ]);
  for (let i = 0; i <= 24; i++) {
    for (const j of [i, 17, 24]) {
      const parts = cutAt(i, Math.max(i, j));
      assertEquals(mergeParts(LAYOUT, parts), whole);
      assertEquals(mergeParts(LAYOUT, parts.toReversed()), whole);
    }
  }
  assertEquals(mergeParts(LAYOUT, cutAt(...Array.from({ length: 23 }, (_, i) => i + 1))), whole);
});

Deno.test("mergeParts() copies only tensors that lie in more than one part", () => {
  const parts = cutAt(8, 20);
  const [a, s, , b] = mergeParts(LAYOUT, parts);
  assertStrictEquals(a?.data.buffer, parts[0]?.data.buffer);
  assertStrictEquals(s?.data.buffer, parts[1]?.data.buffer);
  assertEquals(b?.data.byteOffset, 0);
  assertEquals(b?.data.buffer.byteLength, 32);
});

Deno.test("mergePartsAsync() returns the same tensors and yields to the event loop", async () => {
  const parts = cutAt(3, 17);
  assertEquals(await mergePartsAsync(LAYOUT, parts), mergeParts(LAYOUT, parts));
  const half = 5 * 2 ** 20 + 1; // Elements: 20 MiB and a bit.
  const data = Float32Array.from({ length: half }, (_, i) => i);
  const large = [{ start: 0, data }, { start: half, data }];
  const layout = { length: 2 * half, tensors: [{ name: "w", shape: [2 * half], offset: 0 }] };
  let turns = 0;
  const count = () => {
    turns++;
    timer = setTimeout(count, 0);
  };
  let timer = setTimeout(count, 0);
  const [w] = await mergePartsAsync(layout, large);
  clearTimeout(timer);
  assertGreater(turns, 1);
  assertEquals([w?.data.at(0), w?.data.at(half), w?.data.at(-1)], [0, 0, half - 1]);
  assertEquals(w?.data[half - 1], half - 1);
});

Deno.test("mergeParts() refuses overlaps, holes and wrong ends", () => {
  const part = (start: number, length: number) => ({ start, data: new Float32Array(length) });
  const cases: [TensorPart[], string][] = [
    [[], "must end at 24: they end at 0"],
    [[part(0, 23)], "must end at 24: they end at 23"],
    [[part(0, 25)], "must end at 24: they end at 25"],
    [[part(1, 23)], "one must start at 0: it starts at 1"],
    [[part(-1, 25)], "one must start at 0: it starts at -1"],
    [[part(0, 10), part(11, 13)], "one must start at 10: it starts at 11"],
    [[part(0, 10), part(9, 15)], "one must start at 10: it starts at 9"],
    [[part(0, 24), part(0, 24)], "one must start at 24: it starts at 0"],
  ];
  for (const [parts, reason] of cases) {
    assertThrows(() => mergeParts(LAYOUT, parts), RangeError, reason);
  }
});

Deno.test("mergeParts() refuses tensors outside the vector", () => {
  for (const offset of [-1, 21, NaN]) {
    const layout = { length: 24, tensors: [{ name: "x", shape: [4], offset }] };
    assertThrows(() => mergeParts(layout, cutAt()), RangeError, "it must lie in 24 elements");
  }
});
