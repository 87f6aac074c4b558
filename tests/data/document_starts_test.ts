/** Where documents begin in windows. */
import { assertEquals } from "@std/assert";
import { documentStarts } from "../../src/data/documents.ts";

const starts = (rows: string[], end: string) => {
  const window = rows[0]?.length ?? 0;
  const codes = (text: string) => Array.from(text, (c) => c.charCodeAt(0));
  const inputs = Uint32Array.from(rows.flatMap(codes));
  return [...documentStarts(inputs, { window, end: codes(end) })];
};

Deno.test("documentStarts() begins a document behind each end, which belongs to the one before", () => {
  assertEquals(starts(["ab.cd.."], "."), [0, 0, 0, 3, 3, 3, 6]);
  assertEquals(starts(["ab..cd."], ".."), [0, 0, 0, 0, 4, 4, 4]);
});

Deno.test("documentStarts() takes each row by itself", () => {
  assertEquals(starts(["a..b", "...."], "."), [0, 0, 2, 3, 0, 1, 2, 3]);
  assertEquals(starts(["abc.", ".abc"], ".."), [0, 0, 0, 0, 0, 0, 0, 0]);
  assertEquals(starts(["abcd"], ""), [0, 0, 0, 0]);
});
