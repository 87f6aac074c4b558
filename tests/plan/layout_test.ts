/** The layout of parameters. */
import { assert, assertEquals, assertLessOrEqual, assertThrows } from "@std/assert";
import { sizeOf } from "../../src/base/shape.ts";
import {
  addressIn,
  ALIGN,
  bucketSlot,
  type Layout,
  layOut,
  LOSS,
  type ParamEntry,
  paramsOf,
  type ParamSpec,
  type SumEntry,
  vectorBuckets,
  vectorLength,
} from "../../src/plan/layout.ts";
import { shapeOf } from "../../src/engine/plans.ts";
import { tinyConfig } from "../support/gpt.ts";

const PARAMS: readonly ParamSpec[] = [
  { name: "a", shape: [3, 5], decay: true },
  { name: "bias", shape: [7], decay: false },
  { name: "b", shape: [64], decay: true },
  { name: "c", shape: [13, 5], decay: true },
  { name: "gain", shape: [1], decay: false },
];

/** Asserts that entries are aligned, inside their bucket, and do not overlap. */
function checkLayout({ entries, sums, buckets, ranges }: Layout): void {
  const ends = buckets.map(() => 0);
  for (const { name, bucket, offset, shape } of [...entries, ...sums.map(scalar)]) {
    assertEquals(4 * offset % 256, 0, `${name} is aligned`);
    assertLessOrEqual(ends[bucket] as number, offset, `${name} overlaps its neighbour`);
    ends[bucket] = offset + sizeOf(shape);
    assertLessOrEqual(ends[bucket] as number, buckets[bucket] as number);
  }
  // Ranges cover every parameter once, with its decay, and never a sum.
  const covering = ({ bucket, offset, shape }: Pick<ParamEntry, "bucket" | "offset" | "shape">) =>
    ranges.filter((r) =>
      r.bucket === bucket && r.offset < offset + sizeOf(shape) && offset < r.offset + r.length
    );
  for (const sum of sums) assertEquals(covering(scalar(sum)), []);
  for (const entry of entries) {
    const { name, offset, shape, decay } = entry;
    const [range, ...more] = covering(entry);
    assertEquals([range?.decay, more], [decay, []], name);
    assert(range && range.offset <= offset);
    assertLessOrEqual(offset + sizeOf(shape), range.offset + range.length);
  }
}

/** A sum as a tensor of one element. */
function scalar(sum: SumEntry): SumEntry & { readonly shape: readonly number[] } {
  return { ...sum, shape: [1] };
}

Deno.test("decayed parameters come first, each at a multiple of 256 bytes, the loss last", () => {
  const layout = layOut(PARAMS);
  checkLayout(layout);
  assertEquals(layout.entries.map(({ name, offset }) => [name, offset / ALIGN]), [
    ["a", 0],
    ["b", 1],
    ["c", 2],
    ["bias", 4],
    ["gain", 5],
  ]);
  assertEquals(layout.sums, [{ name: LOSS, bucket: 0, offset: 6 * ALIGN }]);
  assertEquals(layout.buckets, [7 * ALIGN]);
  assertEquals(layout.ranges, [
    { bucket: 0, offset: 0, length: 4 * ALIGN, decay: true, lrScale: 1 },
    { bucket: 0, offset: 4 * ALIGN, length: 2 * ALIGN, decay: false, lrScale: 1 },
  ]);
});

Deno.test("parameters are grouped by lr scale, in descending order", () => {
  const rates: Readonly<Record<string, number>> = { a: 0.5, c: 0.5, gain: 2 };
  const layout = layOut(PARAMS.map((param) => ({ ...param, lrScale: rates[param.name] ?? 1 })));
  checkLayout(layout);
  assertEquals(layout.entries.map(({ name }) => name), ["b", "a", "c", "gain", "bias"]);
  assertEquals(
    layout.ranges.map(({ length, decay, lrScale }) => [length / ALIGN, decay, lrScale]),
    [
      [1, true, 1],
      [3, true, 0.5],
      [1, false, 2],
      [1, false, 1],
    ],
  );
});

Deno.test("frozen parameters are behind the loss, in buckets that only the parameters have", () => {
  const frozen = ["a", "gain"];
  const layout = layOut(PARAMS.map((param) => ({ ...param, frozen: frozen.includes(param.name) })));
  assertEquals(layout.entries.map(({ name, bucket, offset }) => [name, bucket, offset / ALIGN]), [
    ["b", 0, 0],
    ["c", 0, 1],
    ["bias", 0, 3],
    ["a", 1, 0],
    ["gain", 1, 1],
  ]);
  assertEquals(layout.sums, [{ name: LOSS, bucket: 0, offset: 4 * ALIGN }]);
  assertEquals(layout.buckets, [5 * ALIGN, 2 * ALIGN]);
  assertEquals(layout.ranges.map(({ bucket, length }) => [bucket, length / ALIGN]), [
    [0, 3],
    [0, 1],
  ]);
  assertEquals(vectorBuckets(layout, "param").map(({ bucket }) => bucket), [0, 1]);
  for (const vector of ["grad", "m", "tree0"]) {
    assertEquals(vectorBuckets(layout, vector), [{ bucket: 0, length: 5 * ALIGN }]);
    assertEquals(vectorLength(layout, vector), 5 * ALIGN);
    assertEquals(paramsOf(layout, vector).map(({ name }) => name), ["b", "c", "bias"]);
  }
  assertEquals(paramsOf(layout).length, PARAMS.length);
});

Deno.test("update rules have buckets of their own, which lack the moments that a rule does not keep", () => {
  const rule = (name: string) =>
    ["b", "c"].includes(name) ? { rule: "matrices", lacks: ["v"] } : {};
  const layout = layOut(PARAMS.map((param) => ({ ...param, ...rule(param.name) })));
  checkLayout(layout);
  assertEquals(layout.entries.map(({ name, bucket }) => [name, bucket]), [
    ["a", 0],
    ["bias", 0],
    ["gain", 0],
    ["b", 1],
    ["c", 1],
  ]);
  assertEquals(layout.sums, [{ name: LOSS, bucket: 1, offset: 3 * ALIGN }]);
  assertEquals(layout.ranges.map(({ bucket, rule }) => [bucket, rule]), [
    [0, undefined],
    [0, undefined],
    [1, "matrices"],
  ]);
  const buckets = (vector: string) => vectorBuckets(layout, vector).map(({ bucket }) => bucket);
  assertEquals([buckets("param"), buckets("grad"), buckets("m"), buckets("v")], [
    [0, 1],
    [0, 1],
    [0, 1],
    [0],
  ]);
});

Deno.test("parameters of another weight decay are a range of their own", () => {
  const layout = layOut(
    PARAMS.map((param) => param.name === "b" ? { ...param, weightDecay: 0.5 } : param),
  );
  checkLayout(layout);
  assertEquals(layout.ranges.map(({ length, weightDecay }) => [length / ALIGN, weightDecay]), [
    [1, 0.5],
    [3, undefined],
    [2, undefined],
  ]);
});

Deno.test("a vector is split if the next parameter would exceed the bucket size", () => {
  const layout = layOut(PARAMS, { bucket: 3 * ALIGN });
  checkLayout(layout);
  assertEquals(layout.entries.map(({ bucket }) => bucket), [0, 0, 1, 1, 2]);
  assertEquals(layout.buckets, [2 * ALIGN, 3 * ALIGN, 2 * ALIGN]);
  assertEquals(layout.ranges.map(({ bucket, decay }) => [bucket, decay]), [
    [0, true],
    [1, true],
    [1, false],
    [2, false],
  ]);
});

Deno.test("a parameter larger than the limit gets a bucket of its own", () => {
  const layout = layOut([...PARAMS, { name: "big", shape: [999], decay: true }], {
    bucket: 2 * ALIGN,
  });
  checkLayout(layout);
  const big = layout.entries.find((e) => e.name === "big");
  assertEquals(layout.entries.filter((e) => e.bucket === big?.bucket).length, 1);
});

Deno.test("layouts of transformers keep the same laws", () => {
  for (const tied of [false, true]) {
    const { params } = shapeOf(
      tinyConfig({ model: { layers: 3, tie_embeddings: tied, width: 18 } }),
      31,
    );
    for (const limit of [64, 1000, 4096, undefined]) {
      const layout = layOut(params, limit === undefined ? {} : { bucket: limit });
      checkLayout(layout);
      assertEquals(layout.entries.length, params.length);
    }
  }
});

Deno.test("addressIn() returns slot and offset by vector, and throws for unknown names", () => {
  const layout = layOut(PARAMS, { bucket: 3 * ALIGN });
  assertEquals(addressIn(layout, "grad", "bias"), {
    slot: "grad/1",
    role: "grad",
    offset: 2 * ALIGN,
  });
  assertEquals(addressIn(layout, "v", "c").role, "moment");
  assertEquals(bucketSlot("param", 3), "param/3");
  assertThrows(() => addressIn(layout, "param", "nope"), RangeError, "Cannot place nope");
});

Deno.test("a model without parameters still has an entry for its loss", () => {
  const layout = layOut([]);
  assertEquals([layout.buckets, layout.ranges, layout.entries], [[ALIGN], [], []]);
  assertEquals(layout.sums, [{ name: LOSS, bucket: 0, offset: 0 }]);
});
