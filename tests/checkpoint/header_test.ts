import { assertEquals, assertThrows } from "@std/assert";
import { Damage } from "../../src/checkpoint/damage.ts";
import {
  encodeTensorHeader,
  HEADER_LIMIT,
  headerLength,
  LENGTH_PREFIX,
  parseHeader,
  type TensorHeader,
} from "../../src/checkpoint/tensors/header.ts";
import { tensor } from "./fixture.ts";

const A = { dtype: "F32", shape: [2], data_offsets: [0, 8] };
const B = { dtype: "F32", shape: [1], data_offsets: [8, 12] };

/** A file of `header`, written as it is when it is text, and `length` zero bytes of data. */
function file(
  header: unknown,
  { length = 12, claim }: { length?: number; claim?: bigint } = {},
): Uint8Array {
  const text = typeof header === "string" ? header : JSON.stringify(header);
  const json = new TextEncoder().encode(text);
  const out = new Uint8Array(8 + json.length + length);
  new DataView(out.buffer).setBigUint64(0, claim ?? BigInt(json.length), true);
  out.set(json, 8);
  return out;
}

/** The header of a whole file. */
function parse(bytes: Uint8Array): TensorHeader {
  const what = "x";
  const length = headerLength(bytes.subarray(0, LENGTH_PREFIX), { what, size: bytes.length });
  const end = LENGTH_PREFIX + length;
  return parseHeader(bytes.subarray(LENGTH_PREFIX, end), { what, dataBytes: bytes.length - end });
}

function refuses(bytes: Uint8Array, reason: string): void {
  assertThrows(() => parse(bytes), Damage, reason);
}

Deno.test("encodeHeader() pads with spaces so that data start at a multiple of 64", () => {
  for (const name of ["w", "a".repeat(20), "a".repeat(21), "a".repeat(63), "a".repeat(64)]) {
    const header = encodeTensorHeader([tensor(name, [2])], { step: "3" });
    assertEquals(header.length % 64, 0);
    const parsed = parse(new Uint8Array([...header, ...new Uint8Array(8)]));
    assertEquals(parsed.entries, [{ name, dtype: "F32", shape: [2], begin: 0, end: 8 }]);
    assertEquals({ ...parsed.metadata }, { step: "3" });
  }
});

Deno.test("encodeHeader() refuses invalid names and sizes", () => {
  const cases = [
    [[tensor("a b", [1])], "printable ASCII"],
    [[tensor("", [1])], "printable ASCII"],
    [[tensor("é", [1])], "printable ASCII"],
    [[tensor("a", [1]), tensor("a", [1])], "taken"],
    [[tensor("__metadata__", [1])], "taken"],
    [[{ name: "a", shape: [3], data: new Float32Array(2) }], "[3] does not hold 2 elements"],
  ] as const;
  for (const [tensors, reason] of cases) {
    assertThrows(() => encodeTensorHeader(tensors, {}), RangeError, reason);
  }
});

Deno.test("parseHeader() sorts tensors by offset, takes empty ones and scalars", () => {
  const empty = { dtype: "F32", shape: [0, 4], data_offsets: [12, 12] };
  const parsed = parse(file({ b: { ...B, shape: [] }, a: A, empty }));
  assertEquals(parsed.entries.map(({ name }) => name), ["a", "b", "empty"]);
});

Deno.test("parseHeader() refuses a file too short for its header", () => {
  refuses(new Uint8Array(7), "too short for a header");
  refuses(file({}, { length: 0, claim: 3n }), "shorter than its header");
});

Deno.test("parseHeader() refuses a header length that is too great, also beyond 2^53", () => {
  refuses(file({}, { claim: BigInt(HEADER_LIMIT) + 1n }), "claims a header of 8388609 bytes");
  refuses(file({}, { claim: 2n ** 64n - 1n }), "claims a header of 18446744073709551615 bytes");
});

Deno.test("parseHeader() refuses a header that is not strict JSON", () => {
  refuses(file(""), "does not open with {");
  refuses(file(" {}"), "does not open with {");
  refuses(file("\ufeff{}"), "does not open with {");
  refuses(file("[]"), "does not open with {");
  refuses(file("{"), "not valid JSON");
  refuses(file('{"a'), "not valid JSON");
  refuses(file("{} x"), "not valid JSON");
  refuses(file('{"a":1,"a":2}'), 'the key "a" twice');
  refuses(file('{"a":1,"\\u0061" :2}'), 'the key "a" twice');
  refuses(file('{"a":{"shape":[[1]]}}'), "nested deeper than 3 levels");
  refuses(file("{".repeat(100_000)), "nested deeper than 3 levels");
  const bytes = file({ a: A, b: B });
  bytes[9] = 0xff;
  refuses(bytes, "not UTF-8");
});

Deno.test("parseHeader() refuses tensors with an invalid description", () => {
  const one = (fields: unknown) => file({ a: A, b: fields });
  refuses(one(7), "not described by an object");
  refuses(one([]), "not described by an object");
  refuses(one({ ...B, dtype: "F16" }), 'a dtype other than F32: "F16"');
  refuses(one({ shape: [1], data_offsets: [8, 12] }), "a dtype other than F32");
  refuses(one({ ...B, extra: 1 }), 'an unknown key "extra"');
  for (const shape of [[1.5], [-1], ["1"], 1, null, [2 ** 53]]) {
    refuses(one({ ...B, shape }), "a shape that is not");
  }
  refuses(one({ ...B, data_offsets: [8, 12.5] }), "offsets that are not a list");
  for (const offsets of [[8], [8, 12, 16], [12, 8]]) {
    refuses(one({ ...B, data_offsets: offsets }), "not a begin and an end");
  }
  refuses(file({ a: A, "b c": B }), "not printable ASCII");
  refuses(file({ __metadata__: { n: 1 }, a: A, b: B }), "metadata that is not text: n");
  refuses(file({ __metadata__: [], a: A, b: B }), "metadata that is not an object");
});

Deno.test("parseHeader() refuses shapes that do not fill their bytes, also when they overflow", () => {
  refuses(file({ a: A, b: { ...B, shape: [2] } }), "[2] does not fill its 4 bytes");
  // 2^32 * 2^32 * 4 is 0 modulo 2^64.
  const huge = { ...B, shape: [2 ** 32, 2 ** 32], data_offsets: [8, 8] };
  refuses(file({ a: A, b: huge }, { length: 8 }), "does not fill its 0 bytes");
});

Deno.test("parseHeader() refuses holes, overlaps, and data that no tensor claims", () => {
  refuses(file({ b: B }), "a hole before tensor b");
  refuses(file({ a: A, b: { ...B, data_offsets: [4, 8] } }), "an overlap before tensor b");
  refuses(file({ a: A }), "12 bytes of data: its header names 8");
  refuses(file({ a: A, b: B }, { length: 11 }), "11 bytes of data: its header names 12");
});

Deno.test("parseHeader() keeps __proto__ from reaching a prototype", () => {
  const header = file('{"__metadata__":{"__proto__":"x"}}', { length: 0 });
  const { metadata } = parse(header);
  assertEquals(Object.getPrototypeOf(metadata), null);
  assertEquals(Object.keys(metadata), ["__proto__"]);
});
