import { assertEquals } from "@std/assert";
import { alignUp, ceilDiv, sameShape, showShape, sizeOf } from "../../src/base/shape.ts";

Deno.test("sizeOf() is 1 for a scalar and 0 where an axis is empty", () => {
  assertEquals([[], [3], [2, 3, 4], [5, 0]].map(sizeOf), [1, 3, 24, 0]);
});

Deno.test("alignUp() and ceilDiv() round up and leave multiples alone", () => {
  assertEquals([0, 1, 63, 64, 65].map((n) => alignUp(n, 64)), [0, 64, 64, 64, 128]);
  assertEquals([0, 1, 4, 5].map((n) => ceilDiv(n, 4)), [0, 1, 1, 2]);
  // Beyond 32 bits as well: buckets are counted in bytes.
  assertEquals(alignUp(2 ** 33 + 1, 256), 2 ** 33 + 256);
});

Deno.test("sameShape() compares ranks and axes", () => {
  assertEquals(sameShape([2, 3], [2, 3]), true);
  assertEquals(sameShape([], []), true);
  assertEquals(sameShape([2, 3], [3, 2]), false);
  assertEquals(sameShape([2], [2, 1]), false);
});

Deno.test("showShape() prints what error texts show", () => {
  assertEquals([[], [4], [4, 8]].map(showShape), ["[]", "[4]", "[4, 8]"]);
});
