/** Document starts in windows. */
import { assertEquals } from "@std/assert";
import { documentsAt, documentStarts } from "../../src/data/documents.ts";
import { tokensIn } from "../../src/data/tokens.ts";
import { beginsOf } from "../support/documents.ts";

const codes = (text: string) => Uint32Array.from(text, (c) => c.charCodeAt(0));

/** The document starts of windows of `text` at some positions. */
function starts(text: string, end: string, at: readonly number[], window: number): number[][] {
  const all = codes(text);
  const tokens = tokensIn(all, beginsOf(all, [...codes(end)]));
  const rows = at.map((start) => ({ tokens, start }));
  const flat = documentStarts(rows, { window, windows: at.length });
  return at.map((_, row) => [...flat.subarray(row * window, (row + 1) * window)]);
}

Deno.test("documentStarts() begins a document behind each end, which belongs to the one before", () => {
  assertEquals(starts("ab.cd..", ".", [0], 7), [[0, 0, 0, 3, 3, 3, 6]]);
  assertEquals(starts("ab..cd.", "..", [0], 7), [[0, 0, 0, 0, 4, 4, 4]]);
  assertEquals(starts("abcd", "", [0], 4), [[0, 0, 0, 0]]);
});

Deno.test("documentStarts() sees an end that its window begins inside of", () => {
  const at = [0, 1, 2, 3, 4, 5];
  assertEquals(starts("ab...cd.e", "...", at, 4), [
    [0, 0, 0, 0],
    [0, 0, 0, 0],
    [0, 0, 0, 3],
    [0, 0, 2, 2],
    [0, 1, 1, 1],
    [0, 0, 0, 0],
  ]);
});

Deno.test("documentStarts() fills rows that there are none for, and texts without documents, with 0", () => {
  const tokens = tokensIn(codes("a.b.c."));
  assertEquals([...documentStarts([{ tokens, start: 0 }], { window: 3, windows: 2 })], [
    ...[0, 0, 0],
    ...[0, 0, 0],
  ]);
});

Deno.test("documentsAt() gives the first place behind any other", () => {
  const { count, after } = documentsAt([3, 4, 9]);
  assertEquals(count, 3);
  const expected = [3, 3, 3, 4, 9, 9, 9, 9, 9, Infinity, Infinity];
  assertEquals(expected.map((_, at) => after(at)), expected);
  assertEquals(documentsAt([]).after(0), Infinity);
});
