/** Short writes, and writes of 0 bytes. */
import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { FileFault, fileFault } from "../../src/base/file_fault.ts";
import { writeAll, writeAllSync } from "../../src/base/files/write_all.ts";

const BYTES = Uint8Array.of(1, 2, 3, 4, 5);

/** Accepts at most two bytes per write, and none after `room` bytes. */
function sink(room: number) {
  const taken: number[] = [];
  const writeSync = (bytes: Uint8Array) => {
    const some = bytes.subarray(0, Math.min(2, room - taken.length));
    taken.push(...some);
    return some.length;
  };
  return { taken, writeSync, write: (bytes: Uint8Array) => Promise.resolve(writeSync(bytes)) };
}

Deno.test("all bytes are written in pieces, and what is left is told after each", async () => {
  const [sync, later] = [sink(5), sink(5)];
  const left: number[] = [];
  writeAllSync(sync, BYTES, (rest) => left.push(rest.length));
  await writeAll(later, BYTES);
  assertEquals([sync.taken, later.taken, left], [[...BYTES], [...BYTES], [3, 1, 0]]);
});

Deno.test("a write that takes nothing is an error of the disk, and is not tried for ever", async () => {
  const left: number[] = [];
  const error = assertThrows(() => writeAllSync(sink(3), BYTES, (rest) => left.push(rest.length)));
  assertEquals(left, [3, 2]);
  const fault = fileFault(error, { doing: "write", path: "a" });
  assertEquals(
    fault instanceof FileFault && fault.message,
    "Cannot write a: need a disk that works: it reports an error of input or output",
  );
  await assertRejects(() => writeAll(sink(0), BYTES), Error, "took no bytes");
});
