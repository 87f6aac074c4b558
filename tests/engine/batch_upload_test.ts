/** What a feed brings to slots. */
import { assertEquals } from "@std/assert";
import { ArrayMemory, openReference } from "../../src/device/reference.ts";
import { BatchUpload } from "../../src/engine/batch_upload.ts";
import { STARTS } from "../../src/engine/plans.ts";

const BATCH = {
  inputs: Uint32Array.of(1, 2),
  targets: Uint32Array.of(2, 3),
  counted: 2,
  fresh: true,
};

function memory(): ArrayMemory {
  const memory = openReference().memory() as ArrayMemory;
  for (const slot of ["inputs", "targets"]) memory.ensure(slot, 2);
  return memory;
}

Deno.test("a feed brings the starts of documents, whether a plan reads them or not", () => {
  const into = memory();
  const feed = new BatchUpload(into, []);
  feed.write({ ...BATCH, starts: Uint32Array.of(0, 1) }, (name) => name);
  assertEquals([...into.slot(STARTS, 2).u32], [0, 1]);
  feed.write({ ...BATCH, starts: Uint32Array.of(0, 0) }, (name) => name);
  assertEquals([...into.slot(STARTS, 2).u32], [0, 0]);
  assertEquals([...into.slot("inputs", 2).u32], [1, 2]);
});

Deno.test("a batch that was handed over is not written again, unless another came after it", () => {
  const into = memory();
  const feed = new BatchUpload(into, []);
  const other = { ...BATCH, inputs: Uint32Array.of(8, 9) };
  const inputs = () => [...into.slot("inputs", 2).u32];
  feed.stage(BATCH);
  into.write("inputs", Uint32Array.of(5, 5));
  feed.write(BATCH, (name) => name);
  assertEquals(inputs(), [5, 5]);
  // It was brought once: the next time it is written.
  feed.write(BATCH, (name) => name);
  assertEquals(inputs(), [1, 2]);
  feed.stage(other);
  feed.write(BATCH, (name) => name);
  assertEquals(inputs(), [1, 2]);
  feed.write(other, (name) => name);
  assertEquals(inputs(), [8, 9]);
});
