import { assertEquals, assertNotEquals } from "@std/assert";
import { bytesOf, canonical, hashValue, sha256 } from "../../src/base/hash.ts";

const text = (s: string) => new TextEncoder().encode(s);

Deno.test("sha256() gives the known answers of FIPS 180, however the bytes are cut", () => {
  assertEquals(sha256(), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  const abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
  assertEquals(sha256(text("abc")), abc);
  assertEquals(sha256(text("a"), text(""), text("bc")), abc);
});

Deno.test("canonical() sorts keys at every level and keeps the order of lists", () => {
  const value = { b: [{ d: 1, c: null }, 2], a: { z: "", y: 1e21 } };
  assertEquals(canonical(value), '{"a":{"y":1e+21,"z":""},"b":[{"c":null,"d":1},2]}');
  assertEquals(canonical({ a: 1, b: 2 }), canonical({ b: 2, a: 1 }));
  assertNotEquals(canonical([1, 2]), canonical([2, 1]));
  assertEquals([null, 3, "x", []].map(canonical), ["null", "3", '"x"', "[]"]);
});

Deno.test("hashValue() is the hash of the canonical text", () => {
  assertEquals(hashValue({ b: 1, a: 2 }), sha256(text('{"a":2,"b":1}')));
  assertNotEquals(hashValue({ a: 1 }), hashValue({ a: "1" }));
});

Deno.test("bytesOf() shows the bytes of a view where they lie", () => {
  const floats = Float32Array.of(0, 1, 2);
  const bytes = bytesOf(floats.subarray(1, 2));
  assertEquals([...bytes], [0, 0, 0x80, 0x3f]);
  bytes[3] = 0xbf;
  assertEquals(floats[1], -1);
});
