/** Conversion between flat vectors and named tensors. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { layOut, type ParamSpec } from "../../src/plan/layout.ts";
import { sliceOf } from "../../src/reduce/slices.ts";
import { newTrace } from "../../src/graph/trace.ts";
import { newScope } from "../../src/nn/scope.ts";
import { bucketOf, carryOf, mergeCarries, mergeState } from "../../src/engine/state.ts";
import type { CarryPart, VectorPart } from "../../src/engine/state.ts";

const PARAMS: readonly ParamSpec[] = [
  { name: "a.weight", shape: [5, 13], decay: true },
  { name: "a.bias", shape: [13], decay: false },
  { name: "b.weight", shape: [70], decay: true },
];
const LAYOUT = layOut(PARAMS, { bucket: 200 });
const VECTORS = ["param", "m", "v"];

/** Bucket `bucket` of vector number `k`, with distinct elements. */
function flat(k: number, bucket: number): Float32Array {
  const length = LAYOUT.buckets[bucket] as number;
  return Float32Array.from({ length }, (_, i) => 10_000 * k + 1000 * bucket + i);
}

/** All vectors as `world` workers send them. */
function partsOf(world: number): VectorPart[] {
  return VECTORS.flatMap((vector, k) =>
    LAYOUT.buckets.flatMap((size, bucket) =>
      Array.from({ length: world }, (_, rank) => {
        const { start, end } = sliceOf(size, world, rank);
        return { vector, bucket, start, data: flat(k, bucket).slice(start, end) };
      })
    )
  );
}

const merged = (parts: readonly VectorPart[]) => mergeState(LAYOUT, { moments: ["m", "v"], parts });

const maps = ({ model, optimizer }: ReturnType<typeof merged>) => ({
  model: new Map(model.map((t) => [t.name, t])),
  optimizer: new Map(optimizer.map((t) => [t.name, t])),
});

Deno.test("slices of any number of workers merge to the same state", () => {
  assert(LAYOUT.buckets.length > 1, "the layout has several buckets");
  const one = merged(partsOf(1));
  assertEquals(one.model.map((t) => [t.name, t.shape]), [
    ["a.weight", [5, 13]],
    ["b.weight", [70]],
    ["a.bias", [13]],
  ]);
  assertEquals(one.optimizer.map((t) => t.name), [
    "m.a.weight",
    "m.b.weight",
    "m.a.bias",
    "v.a.weight",
    "v.b.weight",
    "v.a.bias",
  ]);
  for (const world of [2, 3, 7]) assertEquals(merged(partsOf(world)), one);
});

Deno.test("a bucket of a merged state is unchanged except for padding", () => {
  const state = maps(merged(partsOf(3)));
  VECTORS.forEach((vector, k) => {
    LAYOUT.buckets.forEach((_, bucket) => {
      const again = bucketOf(LAYOUT, { vector, bucket }, state);
      const before = flat(k, bucket);
      assertEquals(again.length, before.length);
      const inside = new Set(
        LAYOUT.entries.filter((e) => e.bucket === bucket && e.name !== "loss").flatMap((e) =>
          Array.from({ length: e.shape.reduce((a, b) => a * b, 1) }, (_, i) => e.offset + i)
        ),
      );
      again.forEach((v, i) => assertEquals(v, inside.has(i) ? before[i] : 0));
    });
  });
});

Deno.test("slices with gaps or overlaps are refused", () => {
  const parts = partsOf(2);
  assertThrows(() => merged(parts.slice(1)), RangeError, "must start at 0");
  assertThrows(() => merged([...parts, parts[0] as VectorPart]), RangeError, "Cannot merge");
});

Deno.test("a tensor that is missing or of another shape is named", () => {
  const state = maps(merged(partsOf(1)));
  const load = (vector: string, bucket: number) => () =>
    bucketOf(LAYOUT, { vector, bucket }, state);
  state.optimizer.delete("v.a.weight");
  assertThrows(load("v", 0), RangeError, "Cannot load v.a.weight");
  const bias = state.model.get("a.bias");
  assert(bias);
  state.model.set("a.bias", { ...bias, shape: [1, 13] });
  const { bucket = 0 } = LAYOUT.entries.find((e) => e.name === "a.bias") ?? {};
  assertThrows(load("param", bucket), RangeError, "Cannot load a.bias");
});

/** Two states: h [2, 3] and c [2, 5], 2 lanes in each of 4 micro-batches. */
function states() {
  const { scope, carries } = newScope(newTrace(), { training: true });
  scope.carry("h", [2, 3]);
  scope.carry("c", [2, 5]);
  const parts: CarryPart[] = [3, 0, 2, 1].flatMap((index) => [
    { name: "c", index, data: Float32Array.from({ length: 10 }, (_, i) => 500 + 10 * index + i) },
    { name: "h", index, data: Float32Array.from({ length: 6 }, (_, i) => 6 * index + i) },
  ]);
  return { carries, parts };
}

Deno.test("carried states are stored lane by lane, for any sender, and are restored unchanged", () => {
  const { carries, parts } = states();
  const merged = mergeCarries(carries, { microBatches: 4, parts });
  assertEquals(merged.map(({ name, shape }) => [name, shape]), [
    ["carry.h", [8, 3]],
    ["carry.c", [8, 5]],
  ]);
  assertEquals(merged[0]?.data, Float32Array.from({ length: 24 }, (_, i) => i));
  assertEquals(mergeCarries(carries, { microBatches: 4, parts: parts.toReversed() }), merged);
  const optimizer = new Map(merged.map((t) => [t.name, t]));
  for (const { name, index, data } of parts) {
    const carry = carries.find((c) => c.name === name);
    assert(carry);
    assertEquals(carryOf(carry, index, optimizer), data);
  }
});

Deno.test("missing carried states are reported by name", () => {
  const { carries, parts } = states();
  const merge = (some: readonly CarryPart[]) => () =>
    mergeCarries(carries, { microBatches: 4, parts: some });
  assertThrows(merge(parts.slice(1)), RangeError, "Cannot merge c: 3 of 4 parts came");
  assertThrows(merge(parts.slice(0, -1)), RangeError, "Cannot merge h: 3 of 4 parts came");
  const [carry] = carries;
  assert(carry);
  const load = (optimizer: Parameters<typeof carryOf>[2], index: number) => () =>
    carryOf(carry, index, optimizer);
  assertThrows(load(new Map(), 0), RangeError, "Cannot load carry.h: the checkpoint lacks lanes");
  const [h] = merge(parts)();
  assert(h);
  assertThrows(load(new Map([[h.name, h]]), 4), RangeError, "Cannot load carry.h");
});
