/** IDX files: sizes and elements, and one line for each that is damaged. */
import { assertEquals, assertThrows } from "@std/assert";
import { UserError } from "../../../src/base/user_error.ts";
import { readIdx } from "../../../src/data/images/idx.ts";
import { idxFile } from "./fixture.ts";

Deno.test("readIdx() gives sizes and elements", () => {
  const bytes = idxFile([2, 1, 3], [1, 2, 3, 4, 5, 255]);
  assertEquals(readIdx(bytes, 3, "f"), {
    shape: [2, 1, 3],
    data: Uint8Array.of(1, 2, 3, 4, 5, 255),
  });
  // A view into a larger buffer, as of a file that was read with others.
  const shifted = new Uint8Array(bytes.length + 3);
  shifted.set(bytes, 3);
  assertEquals(readIdx(shifted.subarray(3), 3, "f").shape, [2, 1, 3]);
});

Deno.test("readIdx() refuses other files in one line with the file and what it has", () => {
  const refused = (bytes: Uint8Array, axes: number, says: string) => {
    const { message, exit } = assertThrows(() => readIdx(bytes, axes, "f.idx"), UserError);
    assertEquals([message, exit], [`Cannot read f.idx: ${says}`, "data"]);
  };
  const file = idxFile([2, 3], [1, 2, 3, 4, 5, 6]);
  refused(new Uint8Array(), 2, "need an IDX file: its first two bytes are not 0");
  refused(
    new TextEncoder().encode("<!DOCTYPE"),
    2,
    "need an IDX file: its first two bytes are not 0",
  );
  refused(file, 1, "need unsigned bytes (type 8) with 1 axis: it has type 8 with 2");
  refused(file.with(2, 13), 2, "need unsigned bytes (type 8) with 2 axes: it has type 13 with 2");
  refused(file.subarray(0, 9), 2, "need a header of 12 bytes: the file ends after 9");
  refused(file.subarray(0, -1), 2, "need 18 bytes for sizes [2, 3]: it has 17");
  refused(Uint8Array.of(...file, 0), 2, "need 18 bytes for sizes [2, 3]: it has 19");
  // Sizes whose product exceeds every file.
  const large = idxFile([0xffffffff, 0xffffffff], []);
  assertThrows(() => readIdx(large, 2, "f"), UserError, "it has 12");
});
