import { assert, assertEquals, assertThrows } from "@std/assert";
import { threefry } from "../../src/base/random.ts";
import { treeAdd, treeAddInto } from "../../src/base/tree_add.ts";

const NAN = 0x7fc00000;
const EXPONENT = 0x7f800000;

function float(bits: number): number {
  return new Float32Array(Uint32Array.of(bits).buffer)[0] as number;
}

/** The definition in integers: expected bits of the sum of two bit patterns. */
function expected(a: number, b: number): number {
  const flush = (bits: number) => (bits & EXPONENT) === 0 ? 0 : bits;
  const sum = new Float32Array([float(flush(a)) + float(flush(b))]);
  const bits = new Uint32Array(sum.buffer)[0] as number;
  return Number.isNaN(sum[0]) ? NAN : flush(bits);
}

/** Bits of the sum of two bit patterns, by the array form. */
function added(a: readonly number[], b: readonly number[]): number[] {
  const target = Uint32Array.from(a);
  const other = new Float32Array(Uint32Array.from(b).buffer);
  const sums = new Float32Array(target.buffer);
  treeAddInto(sums, sums, other);
  return [...target];
}

/** Edge-case bit patterns of both signs. */
const EDGES = [
  ...[0, 1, 0x007fffff, 0x00800000, 0x00800001, 0x01000000, 0x0d000000, 0x0d7fffff, 0x0d800000],
  ...[0x3f800000, 0x3f800001, 0x33800000, 0x7f7fffff, EXPONENT, NAN, 0x7f800001, 0x7fffffff],
].flatMap((bits) => [bits, (bits | 0x80000000) >>> 0]);

/** Pairs of random bit patterns, a third of them close together in exponent. */
const PAIRS = Array.from({ length: 60_000 }, (_, i) => {
  const [a, b] = threefry([7, 7], i, 0);
  if (i % 3 === 0) return [a, ((a ^ (b >>> 4)) ^ 0x80000000) >>> 0] as const;
  if (i % 3 === 1) return [a, (b & 0x81ffffff) >>> 0] as const; // small ones
  return [a, b] as const;
});

Deno.test("treeAddInto() has the defined bits at every pair of edges", () => {
  for (const a of EDGES) {
    const there = added(EDGES.map(() => a), EDGES);
    assertEquals(there, EDGES.map((b) => expected(a, b)), `with 0x${a.toString(16)}`);
  }
});

Deno.test("treeAddInto() has the defined bits for random bits, and commutes", () => {
  const a = PAIRS.map((p) => p[0]);
  const b = PAIRS.map((p) => p[1]);
  const there = added(a, b);
  assert(there.every((bits, i) => bits === expected(a[i] as number, b[i] as number)));
  assert(added(b, a).every((bits, i) => bits === there[i]));
});

Deno.test("treeAdd() is the scalar of treeAddInto()", () => {
  const all = [...PAIRS.slice(0, 20_000), ...EDGES.map((a) => [a, 0x80000001] as const)];
  for (const [a, b] of all) {
    const sum = treeAdd(float(a), float(b));
    assert(Object.is(sum, float(added([a], [b])[0] as number)), `${a} ${b}`);
  }
});

Deno.test("treeAdd() flushes subnormals in and out and gives no -0", () => {
  const subnormal = 2 ** -130;
  assert(Object.is(treeAdd(-0, -0), 0));
  assert(Object.is(treeAdd(subnormal, subnormal), 0));
  assert(Object.is(treeAdd(-subnormal, 0), 0));
  assertEquals(treeAdd(2 ** -126, subnormal), 2 ** -126);
  assert(Object.is(treeAdd(-1.5 * 2 ** -126, 2 ** -126), 0));
  assertEquals(treeAdd(2 ** -126, 2 ** -126), 2 ** -125);
});

Deno.test("treeAdd() keeps infinities and rounds to even", () => {
  assertEquals(treeAdd(Infinity, -1), Infinity);
  assert(Number.isNaN(treeAdd(Infinity, -Infinity)));
  assertEquals(treeAdd(1, 2 ** -24), 1);
  assertEquals(treeAdd(1 + 2 ** -23, 2 ** -24), 1 + 2 ** -22);
});

Deno.test("treeAddInto() works inside larger buffers and refuses unequal lengths", () => {
  const all = new Float32Array([1, 2, 3, 4, 5]);
  treeAddInto(all.subarray(1, 3), all.subarray(1, 3), all.subarray(3, 5));
  assertEquals(all, new Float32Array([1, 6, 8, 4, 5]));
  treeAddInto(new Float32Array(0), new Float32Array(0), new Float32Array(0));
  assertThrows(() => treeAddInto(all, all, all.subarray(1)), RangeError, "5 and 4");
  assertThrows(() => treeAddInto(all, all.subarray(1), all), RangeError, "5 and 4");
});
