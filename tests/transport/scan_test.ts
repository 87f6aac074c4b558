import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { scanFault } from "../../src/transport/scan.ts";

const fault = (...bytes: number[]) => scanFault(Uint8Array.from(bytes)) ?? "none";
const key = (text: string) => [0xa0 + text.length, ...new TextEncoder().encode(text)];
const chars = (n: number) => Array<number>(n).fill(0x61);

Deno.test("scanFault() accepts every form of a plain value", () => {
  const values: Readonly<Record<string, readonly number[]>> = {
    "small integers": [0x94, 0x00, 0x7f, 0xe0, 0xff],
    "unsigned": [0x94, 0xcc, 1, 0xcd, 1, 2, 0xce, 1, 2, 3, 4, 0xcf, 0, 0x1f, 0xff, 0, 0, 0, 0, 0],
    "signed": [0x94, 0xd0, 1, 0xd1, 1, 2, 0xd2, 1, 2, 3, 4, 0xd3, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0],
    "floats": [0x92, 0xca, 1, 2, 3, 4, 0xcb, 1, 2, 3, 4, 5, 6, 7, 8],
    "nil and booleans": [0x93, 0xc0, 0xc2, 0xc3],
    "texts": [0x94, 0xa1, 0x61, 0xd9, 1, 0x61, 0xda, 0, 1, 0x61, 0xdb, 0, 0, 0, 1, 0x61],
    "bytes": [0x93, 0xc4, 1, 0xff, 0xc5, 0, 1, 0xff, 0xc6, 0, 0, 0, 1, 0xff],
    "arrays": [0x92, 0xdc, 0, 1, 0xc0, 0xdd, 0, 0, 0, 1, 0xc0],
    "maps": [0x92, 0xde, 0, 1, ...key("a"), 1, 0xdf, 0, 0, 0, 1, ...key("a"), 1],
    "a key of 64 bytes": [0x81, 0xd9, 64, ...chars(64), 0xc0],
    "equal keys in different maps": [0x82, ...key("a"), 0x81, ...key("b"), 1, ...key("b"), 1],
    "six levels": [0x91, 0x91, 0x91, 0x91, 0x91, 0xc0],
    "4096 items": [0xdc, 0x0f, 0xff, ...Array<number>(4095).fill(0)],
  };
  for (const [what, bytes] of Object.entries(values)) {
    assertEquals(fault(...bytes), "none", what);
  }
});

Deno.test("scanFault() refuses all values that end too early", () => {
  const heads = [0xc4, 0xc5, 0xc6, 0xca, 0xcb, 0xcc, 0xcd, 0xce, 0xcf, 0xd0, 0xd1, 0xd2, 0xd3];
  const more = [0xd9, 0xda, 0xdb, 0xdc, 0xdd, 0xde, 0xdf, 0x81, 0x91, 0xa1];
  for (const tag of [...heads, ...more]) assertStringIncludes(fault(tag), "end too early");
  assertStringIncludes(fault(), "end too early");
  assertStringIncludes(fault(0xc6, 0xff, 0xff, 0xff, 0xff, 0), "end too early");
});

Deno.test("scanFault() refuses extensions and the reserved tag", () => {
  for (const tag of [0xc1, 0xc7, 0xc8, 0xc9, 0xd4, 0xd5, 0xd6, 0xd7, 0xd8]) {
    assertStringIncludes(
      fault(0x91, tag, 1, 1, 1),
      `tag 0x${tag.toString(16)} is not a plain value`,
    );
  }
});

Deno.test("scanFault() refuses what is too deep or too much", () => {
  assertStringIncludes(fault(...Array<number>(6).fill(0x91), 0xc0), "more than 6 levels");
  const nested = ["a", "b", "c", "d", "e", "f"].flatMap((k) => [0x81, ...key(k)]);
  assertStringIncludes(fault(...nested, 0xc0), "more than 6 levels");
  assertStringIncludes(
    fault(0xdc, 0x10, 0, ...Array<number>(4096).fill(0)),
    "more than 4096 items",
  );
  const keys = Array.from({ length: 2048 }, (_, i) => [...key(i.toString(16).padStart(4, "0")), 0]);
  assertStringIncludes(fault(0xde, 0x08, 0x00, ...keys.flat()), "more than 4096 items");
});

Deno.test("scanFault() refuses keys with a double meaning", () => {
  for (const name of ["__proto__", "constructor", "prototype"]) {
    assertStringIncludes(fault(0x81, ...key(name), 1), `"${name}" is not allowed`);
  }
  assertStringIncludes(fault(0x82, ...key("a"), 1, ...key("a"), 2), `key "a" stands twice`);
  assertStringIncludes(fault(0x82, ...key("a"), 1, 0xd9, 1, 0x61, 2), "stands twice");
  assertStringIncludes(fault(0x81, 0x01, 0x01), "not a short string");
  assertStringIncludes(fault(0x81, 0xc4, 1, 0x61, 0x01), "not a short string");
  assertStringIncludes(fault(0x81, 0xd9, 65, ...chars(65), 1), "longer than 64 bytes");
});

Deno.test("scanFault() refuses text that is not UTF-8", () => {
  for (const bytes of [[0xff], [0xc0, 0xaf], [0xed, 0xa0, 0x80], [0xe2, 0x82]]) {
    assertStringIncludes(fault(0xa0 + bytes.length, ...bytes), "not UTF-8");
    assertStringIncludes(fault(0x81, 0xa0 + bytes.length, ...bytes, 1), "not UTF-8");
  }
});

Deno.test("scanFault() refuses integers that a number cannot hold", () => {
  assertStringIncludes(fault(0xcf, 0, 0x20, 0, 0, 0, 0, 0, 0), "9007199254740992 is not safe");
  assertStringIncludes(fault(0xcf, ...Array<number>(8).fill(0xff)), "is not safe");
  assertStringIncludes(fault(0xd3, 0x80, 0, 0, 0, 0, 0, 0, 0), "is not safe");
});

Deno.test("scanFault() refuses bytes after the end", () => {
  assertEquals(fault(0xc0, 0xc0), "1 bytes after the end");
  assert(fault(0x80, 0, 0).startsWith("2 bytes"));
});
