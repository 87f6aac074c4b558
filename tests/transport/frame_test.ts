import { assert, assertEquals, assertThrows } from "@std/assert";
import { ChannelError } from "../../src/transport/channel.ts";
import {
  checksum,
  decodePrefix,
  encodePrefix,
  headBytes,
  MAX_HEADER,
  nextSequence,
  PREFIX_BYTES,
} from "../../src/transport/frame.ts";

const INFO = {
  payloadLength: 2 ** 33 + 5,
  attempt: 2 ** 32 - 1,
  sequence: 9,
  payloadCrc: 0xfffffffe,
};

/** A head with bytes changed and the prefix checksum made right again. */
function resealed(change: (view: DataView) => void): Uint8Array {
  const head = encodePrefix(new Uint8Array(128), INFO, Uint8Array.of(1, 2, 3));
  const view = new DataView(head.buffer);
  change(view);
  view.setUint32(36, checksum(head.subarray(0, 36)), true);
  return head;
}

Deno.test("decodePrefix() gives back what encodeHead() wrote", () => {
  const header = Uint8Array.of(1, 2, 3);
  const target = new Uint8Array(200).fill(0xaa);
  const head = encodePrefix(target, INFO, header);
  assertEquals(head.length, 64);
  assertEquals(target[64], 0xaa);
  assertEquals(head.slice(PREFIX_BYTES, 43), header);
  assert(head.subarray(43).every((b) => b === 0));
  assertEquals(decodePrefix(head, 2 ** 34), {
    ...INFO,
    headerLength: 3,
    headerCrc: checksum(head.subarray(PREFIX_BYTES)),
  });
});

Deno.test("a frame's head starts with SHL1 and the version", () => {
  const head = encodePrefix(new Uint8Array(128), INFO, new Uint8Array(0));
  assertEquals(new TextDecoder().decode(head.subarray(0, 4)), "SHL1");
  assertEquals(head[4], 1);
});

Deno.test("headBytes() puts the payload at a multiple of 64", () => {
  assertEquals([0, 24, 25, 88, 89, MAX_HEADER].map(headBytes), [64, 64, 128, 128, 192, 65600]);
});

Deno.test("decodePrefix() refuses every flipped bit", () => {
  const head = encodePrefix(new Uint8Array(128), INFO, Uint8Array.of(1, 2, 3));
  for (let bit = 0; bit < PREFIX_BYTES * 8; bit++) {
    const copy = head.slice();
    copy[bit >> 3] = (copy[bit >> 3] as number) ^ (1 << (bit & 7));
    assertThrows(() => decodePrefix(copy, 2 ** 34), ChannelError, "Cannot read a frame");
  }
});

Deno.test("decodePrefix() names what is wrong", () => {
  const cases: readonly [(view: DataView) => void, string][] = [
    [(v) => v.setUint8(0, 0), "needs magic"],
    [(v) => v.setUint8(4, 2), "needs version 1: got 2"],
    [(v) => v.setUint8(5, 1), "needs no flags: got 1"],
    [(v) => v.setUint16(6, 4, true), "needs no flags: got 4"],
    [(v) => v.setUint32(8, MAX_HEADER + 1, true), "a header of at most 65536 B: got 65537"],
    [(v) => v.setUint32(16, 2 ** 31, true), "a payload of at most 1000 B"],
  ];
  for (const [change, text] of cases) {
    assertThrows(() => decodePrefix(resealed(change), 1000), ChannelError, text);
  }
});

Deno.test("decodePrefix() takes a payload of exactly the limit", () => {
  const at = (n: number) => resealed((v) => v.setBigUint64(12, BigInt(n), true));
  assertEquals(decodePrefix(at(1000), 1000).payloadLength, 1000);
  assertThrows(() => decodePrefix(at(1001), 1000), ChannelError, "got 1001");
});

Deno.test("nextSequence() wraps around after 2^32 frames", () => {
  assertEquals([0, 1, 2 ** 31, 2 ** 32 - 1].map(nextSequence), [1, 2, 2 ** 31 + 1, 0]);
});
