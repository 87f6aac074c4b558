/** The layout of a shard, byte by byte: what was written once must be read for ever. */
import { crc32 } from "node:zlib";
import { assertEquals } from "@std/assert";
import {
  blocksOf,
  decodeHead,
  encodeShardHeader,
  shardBytes,
  widthFor,
} from "../../../src/data/prepared/header.ts";
import { Desk } from "../../prepare/fixture.ts";

const HEAD = {
  width: 2 as const,
  tokens: 5_000_000_000,
  vocabulary: 50_257,
  tokenizerHash: "5a".repeat(32),
};

Deno.test("a head lies as its page says", () => {
  const bytes = encodeShardHeader(HEAD);
  const view = new DataView(bytes.buffer);
  assertEquals(bytes.length, 128);
  assertEquals(new TextDecoder().decode(bytes.subarray(0, 8)), "SHOALTOK");
  assertEquals([8, 12, 24, 28].map((at) => view.getUint32(at, true)), [1, 2, 50_257, 65_536]);
  assertEquals(view.getBigUint64(16, true), 5_000_000_000n);
  assertEquals(bytes.subarray(32, 64).toHex(), HEAD.tokenizerHash);
  assertEquals(bytes.subarray(64, 124).every((byte) => byte === 0), true);
  assertEquals(view.getUint32(124, true), crc32(bytes.subarray(0, 124)));
  assertEquals(decodeHead(bytes), HEAD);
});

Deno.test("a head that tells how many documents end is of version 2", () => {
  const bytes = encodeShardHeader({ ...HEAD, ends: 300 });
  const view = new DataView(bytes.buffer);
  assertEquals([8, 12, 24, 28, 64].map((at) => view.getUint32(at, true)), [
    2,
    2,
    50_257,
    65_536,
    300,
  ]);
  assertEquals(bytes.subarray(68, 124).every((byte) => byte === 0), true);
  assertEquals(decodeHead(bytes), { ...HEAD, ends: 300 });
  assertEquals(shardBytes({ ...HEAD, tokens: 32_769, ends: 300 }), 128 + 65_538 + 8 + 4 + 1204);
});

Deno.test("a shard of three tokens, whole", async () => {
  using desk = new Desk();
  desk.write("a.txt", "abc");
  await desk.prepare(["a.txt"], { tokenizer: "byte", validation: 0 });
  const bytes = Deno.readFileSync(desk.of("out/train-00000.tokens"));
  const tokens = Uint8Array.of(0x61, 0, 0x62, 0, 0x63, 0);
  const table = new Uint8Array(8);
  const view = new DataView(table.buffer);
  view.setUint32(0, crc32(tokens), true);
  view.setUint32(4, crc32(table.subarray(0, 4)), true);
  const ends = Uint8Array.of(3, 0, 0, 0, 0, 0, 0, 0);
  new DataView(ends.buffer).setUint32(4, crc32(ends.subarray(0, 4)), true);
  assertEquals(bytes.subarray(128), Uint8Array.from([...tokens, ...table, ...ends]));
});

Deno.test("sizes at the edges of widths and blocks", () => {
  assertEquals([1, 65_536, 65_537].map(widthFor), [2, 2, 4]);
  const blocks = [1, 32_768, 32_769].map((tokens) => blocksOf({ ...HEAD, tokens }));
  assertEquals(blocks, [1, 1, 2]);
  assertEquals(shardBytes({ ...HEAD, tokens: 32_769 }), 128 + 65_538 + 8 + 4);
});

Deno.test("any bit that flips in a head is noticed", () => {
  const bytes = encodeShardHeader(HEAD);
  for (let bit = 0; bit < 8 * bytes.length; bit++) {
    const altered = bytes.slice();
    (altered[bit >> 3] as number) ^= 1 << (bit & 7);
    assertEquals("fault" in decodeHead(altered), true, `bit ${bit}`);
  }
});
