/** Upload of batches to slots. */
import { assertEquals } from "@std/assert";
import { ArrayMemory, openReference } from "../../src/device/reference.ts";
import { BatchUpload } from "../../src/engine/batch_upload.ts";
import { STARTS } from "../../src/data/token_tensors.ts";

const BATCH = {
  tensors: { tokens: Uint32Array.of(1, 2), targets: Uint32Array.of(2, 3) },
  counted: 2,
  fresh: true,
};

const withStarts = (...starts: number[]) => ({
  ...BATCH,
  tensors: { ...BATCH.tensors, [STARTS]: Uint32Array.from(starts) },
});

function memory(): ArrayMemory {
  const memory = openReference().memory() as ArrayMemory;
  for (const slot of ["tokens", "targets"]) memory.ensure(slot, 2);
  return memory;
}

Deno.test("segment starts are uploaded, whether a plan reads them or not", () => {
  const into = memory();
  const upload = new BatchUpload(into, []);
  upload.write(withStarts(0, 1), (name) => name);
  assertEquals([...into.slot(STARTS, 2).u32], [0, 1]);
  upload.write(withStarts(0, 0), (name) => name);
  assertEquals([...into.slot(STARTS, 2).u32], [0, 0]);
  assertEquals([...into.slot("tokens", 2).u32], [1, 2]);
});

Deno.test("a staged batch is not written again, unless another was staged after it", () => {
  const into = memory();
  const upload = new BatchUpload(into, []);
  const other = { ...BATCH, tensors: { ...BATCH.tensors, tokens: Uint32Array.of(8, 9) } };
  const inputs = () => [...into.slot("tokens", 2).u32];
  upload.stage(BATCH);
  into.write("tokens", Uint32Array.of(5, 5));
  upload.write(BATCH, (name) => name);
  assertEquals(inputs(), [5, 5]);
  // It was used once, so it is written again.
  upload.write(BATCH, (name) => name);
  assertEquals(inputs(), [1, 2]);
  upload.stage(other);
  upload.write(BATCH, (name) => name);
  assertEquals(inputs(), [1, 2]);
  upload.write(other, (name) => name);
  assertEquals(inputs(), [8, 9]);
});
