import { assert, assertEquals, assertThrows } from "@std/assert";
import { treeAdd } from "../../src/base/tree_add.ts";
import { assign } from "../../src/reduce/assign.ts";
import { cover, finish, firstOf, isPowerOfTwo, merge, subtreeEnd } from "../../src/reduce/tree.ts";
import { bits, gradient, rootsOf, treeSum } from "./mesh.ts";

const leaf = (index: number, n = 4) => ({
  node: { level: 0, index },
  data: new Float32Array(n).fill(index + 1),
});

/** The definition of the tree, by recursion. */
function recursive(level: number, index: number, n: number): Float32Array {
  if (level === 0) return gradient(index, n);
  const right = recursive(level - 1, 2 * index + 1, n);
  return recursive(level - 1, 2 * index, n).map((x, i) => treeAdd(x, right[i] as number));
}

Deno.test("cover() returns the fewest aligned nodes of every range, in order", () => {
  for (let first = 0; first < 20; first++) {
    for (let count = 0; count < 20; count++) {
      const nodes = cover(first, count);
      let at = first;
      for (const node of nodes) {
        assert(Number.isInteger(node.index));
        assertEquals(firstOf(node), at);
        at = subtreeEnd(node);
      }
      assertEquals(at, first + count);
      const siblings = nodes.some((node, i) => {
        const next = nodes[i + 1];
        return next && next.level === node.level && node.index % 2 === 0;
      });
      assert(!siblings, "siblings could be one node");
    }
  }
});

Deno.test("cover() of an aligned block is one node", () => {
  assertEquals(cover(8, 4), [{ level: 2, index: 2 }]);
  assertEquals(cover(0, 16), [{ level: 4, index: 0 }]);
  assertEquals(cover(1, 6), [
    { level: 0, index: 1 },
    { level: 1, index: 1 },
    { level: 1, index: 2 },
    { level: 0, index: 6 },
  ]);
});

Deno.test("merge() of leaves one by one ends at the cover and holds few arrays", () => {
  for (const [first, count] of [[0, 16], [1, 7], [5, 11], [3, 1]] as const) {
    let stack = merge([]);
    for (let i = first; i < first + count; i++) {
      stack = merge([...stack, leaf(i)]);
      assert(stack.length <= 2 * Math.log2(16));
    }
    assertEquals(stack.map((part) => part.node), cover(first, count));
  }
});

Deno.test("merge() refuses a gap", () => {
  assertThrows(() => merge([leaf(0), leaf(2)]), RangeError, "next are micro-batches [2, 3)");
  assertThrows(() => merge([leaf(1), leaf(0)]), RangeError);
  assertThrows(() => merge([leaf(0), leaf(1, 5)]), RangeError, "equal lengths");
});

Deno.test("finish() has the bits of the tree's definition, however the leaves were split", () => {
  for (const level of [0, 1, 2, 3, 4]) {
    const microBatches = 2 ** level;
    const expected = bits(recursive(level, 0, 97));
    for (const world of [1, 2, 3, 5, 16]) {
      const parts = assign(microBatches, world).flatMap((range) => rootsOf(range, 97));
      assertEquals(bits(finish(parts.toReversed(), microBatches)), expected);
    }
  }
});

Deno.test("finish() differs from a sequential sum", () => {
  const inTurn = gradient(0, 1000);
  for (let i = 1; i < 8; i++) {
    gradient(i, 1000).forEach((x, k) => inTurn[k] = treeAdd(inTurn[k] as number, x));
  }
  const tree = treeSum(8, 1000);
  const differing = bits(inTurn).filter((b, i) => b !== bits(tree)[i]).length;
  assert(differing > 100, `${differing} of 1000 differ`);
});

Deno.test("finish() refuses parts that do not tile the step", () => {
  const wrong = {
    "none": [],
    "a missing first": [leaf(1), leaf(2), leaf(3)],
    "a missing last": [leaf(0), leaf(1), leaf(2)],
    "a hole": [leaf(0), leaf(1), leaf(3)],
    "a double": [leaf(0), leaf(1), leaf(1), leaf(2), leaf(3)],
    "an overlap": [
      { node: { level: 1, index: 0 }, data: new Float32Array(4) },
      leaf(1),
      leaf(2),
      leaf(3),
    ],
    "too many": [leaf(0), leaf(1), leaf(2), leaf(3), leaf(4)],
    "unequal lengths": [leaf(0), leaf(1), leaf(2), leaf(3, 5)],
  };
  for (const parts of Object.values(wrong)) {
    assertThrows(() => finish(parts, 4), RangeError, "Cannot");
  }
  assertThrows(() => finish([leaf(0), leaf(1), leaf(2)], 3), RangeError, "a power of two");
});

Deno.test("isPowerOfTwo() recognises the powers of two", () => {
  const powers = [-2, 0, 0.5, 1, 2, 3, 4, 6, 8, 2 ** 40, 2 ** 40 + 1, NaN, Infinity];
  assertEquals(powers.filter(isPowerOfTwo), [1, 2, 4, 8, 2 ** 40]);
});
