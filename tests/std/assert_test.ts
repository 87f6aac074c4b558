/** What the tests' own assertions take for equal, and what they refuse. */
import {
  assertEquals,
  AssertionError,
  assertNotEquals,
  assertRejects,
  assertThrows,
} from "@std/assert";

const table = (prototype: object | null) => Object.assign(Object.create(prototype), { a: [1] });

Deno.test("assertEquals() compares what values hold, and takes 0 for -0", () => {
  const same: readonly (readonly [unknown, unknown])[] = [
    [0, -0],
    [NaN, NaN],
    [{ a: [1, { b: -0 }] }, { a: [1, { b: 0 }] }],
    [table(null), { a: [1] }],
    [Float32Array.of(0, NaN), Float32Array.of(-0, NaN)],
    [new Map([["a", { b: 0 }]]), new Map([["a", { b: -0 }]])],
    [new Map([[{ a: 1 }, 2]]), new Map([[{ a: 1 }, 2]])],
    [new Set([1, "a"]), new Set(["a", 1])],
    [new Date(5), new Date(5)],
    [/a/g, /a/g],
    [new Error("a"), new Error("a")],
  ];
  for (const [a, b] of same) {
    assertEquals(a, b);
    assertThrows(() => assertNotEquals(a, b), AssertionError);
  }
});

Deno.test("assertEquals() tells apart kinds, keys, order and classes", () => {
  class Point {
    constructor(readonly x: number) {}
  }
  const others: readonly (readonly [unknown, unknown])[] = [
    [1, "1"],
    [null, undefined],
    [{ a: undefined }, {}],
    [{ a: 1, b: undefined }, { a: 1, c: undefined }],
    [[1, 2], [2, 1]],
    [[1], { 0: 1 }],
    [Float32Array.of(1), Float64Array.of(1)],
    [Uint8Array.of(1), Uint8Array.of(1, 2)],
    [new Point(1), { x: 1 }],
    [new Point(1), new Point(2)],
    [new Map([["a", 1]]), new Map([["b", 1]])],
    [new Set([1]), new Set([2])],
    [new Error("a"), new Error("b")],
    [new Date(5), new Date(6)],
  ];
  for (const [a, b] of others) {
    assertNotEquals(a, b);
    assertThrows(() => assertEquals(a, b, "here"), AssertionError, "here");
  }
});

Deno.test("assertThrows() and assertRejects() refuse another class, another message, and no error", async () => {
  const thrower = () => {
    throw new RangeError("too far");
  };
  assertThrows(() => assertThrows(thrower, TypeError), AssertionError, "class TypeError");
  assertThrows(() => assertThrows(thrower, RangeError, "too near"), AssertionError, "too far");
  assertThrows(() => assertThrows(() => {}), AssertionError, "to throw");
  const rejected = () => Promise.reject(new RangeError("too far"));
  await assertRejects(rejected, RangeError, "far");
  await assertRejects(() => assertRejects(rejected, TypeError), AssertionError, "class TypeError");
  await assertRejects(() => assertRejects(() => Promise.resolve(1)), AssertionError, "to reject");
});
