import { assert, assertEquals, assertThrows } from "@std/assert";
import { ChannelError, type Header } from "../../src/transport/channel.ts";
import { decodeHeader, encodeHeader } from "../../src/transport/codec.ts";

Deno.test("decodeHeader() gives back what encodeHeader() took", () => {
  const header: Header = {
    type: "all",
    empty: "",
    text: "日本 😀",
    none: null,
    yes: true,
    numbers: [0, -1, 127, 128, -129, 65536, 2 ** 31, 2 ** 53 - 1, -(2 ** 53 - 1), 0.1, 1e300],
    special: [NaN, Infinity, -Infinity],
    bytes: new Uint8Array([0, 255]),
    nested: { list: [{ deep: [] }] },
    toString: "a name like any other",
  };
  assertEquals(decodeHeader(encodeHeader(header)), header);
});

Deno.test("decodeHeader() copies bytes out of the frame", () => {
  const encoded = encodeHeader({ type: "x", bytes: new Uint8Array([1, 2, 3]) });
  const bytes = decodeHeader(encoded)["bytes"];
  encoded.fill(0);
  assertEquals(bytes, new Uint8Array([1, 2, 3]));
  assert(bytes instanceof Uint8Array && bytes.buffer.byteLength === 3);
});

Deno.test("encodeHeader() refuses what a peer would refuse", () => {
  const odd: Readonly<Record<string, unknown>> = {
    "undefined": undefined,
    "a date": new Date(0),
    "a large integer": 2n ** 63n,
    "a map with number keys": new Map([[1, 2]]),
  };
  for (const value of Object.values(odd)) {
    const header = { type: "x", value } as Header; // what the types forbid must fail as well
    assertThrows(() => encodeHeader(header), TypeError, `header "x"`);
  }
  assertThrows(() => encodeHeader({ type: "y".repeat(2 ** 16) }), TypeError, "is more than 65536");
});

Deno.test("decodeHeader() refuses what is not a map with a text as type", () => {
  for (
    const bytes of [[0xc0], [0x90], [0x80], [0x81, 0xa4, 0x74, 0x79, 0x70, 0x65, 1], [0xc4, 0]]
  ) {
    assertThrows(() => decodeHeader(Uint8Array.from(bytes)), ChannelError, "a map with a text");
  }
});
