/**
 * Behaviour of a channel whose peer sends handmade bytes: damage, false claims, crashes, attacks.
 */
import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import type { Duplex } from "../../src/transport/bytes.ts";
import { ChannelError, type ChannelOptions } from "../../src/transport/channel.ts";
import { concat, drain, frameBytes, type Parts, rawFrame, soon } from "../transport/wire.ts";
import { during, type Pair, type Transport } from "./transport.ts";

/** Header bytes that no channel may accept, by name. */
const ATTACKS: Readonly<Record<string, readonly number[]>> = {
  "a record definition": [0xd4, 0x72, 0x40, 0x91, 0xa1, 0x61, 0x01],
  "an extension": [0x81, 0xa4, 0x74, 0x79, 0x70, 0x65, 0xc7, 0x01, 0x73, 0x00],
  "a timestamp": [0x81, 0xa4, 0x74, 0x79, 0x70, 0x65, 0xd6, 0xff, 0, 0, 0, 0],
  "deep nesting": [0x81, 0xa4, 0x74, 0x79, 0x70, 0x65, ...Array<number>(5000).fill(0x91), 0xc0],
  "a double key": [0x82, 0xa1, 0x61, 0x01, 0xa1, 0x61, 0x02],
  "a huge array": [0x81, 0xa1, 0x61, 0xdd, 0xff, 0xff, 0xff, 0xff],
  "a huge text": [0xdb, 0xff, 0xff, 0xff, 0xff],
  "a huge map": [0xdf, 0xff, 0xff, 0xff, 0xff],
  "a reserved byte": [0x81, 0xa1, 0x61, 0xc1],
  "a header that is no map": [0x91, 0xa1, 0x61],
  "a header without type": [0x81, 0xa1, 0x61, 0x01],
  "no header": [],
};

/** Offsets in a frame and what lies there. */
const PLACES: Readonly<Record<string, number>> = {
  magic: 0,
  version: 4,
  flags: 5,
  "header length": 9,
  "payload length": 13,
  attempt: 20,
  sequence: 24,
  "header checksum": 28,
  "payload checksum": 33,
  "prefix checksum": 38,
  header: 44,
  padding: 127,
  payload: 130,
};

/** Registers these laws for one transport. */
export function wireLaws(name: string, transport: Transport): void {
  const rawTest = (
    law: string,
    body: (pair: Pair<Duplex>) => Promise<void>,
    options: ChannelOptions = { attempt: 1 },
  ) =>
    Deno.test(`${name} channel ${law}`, async () => {
      await during(await transport.raw(options), body);
    });

  rawTest("refuses a payload larger than the limit before it asks for a buffer", async (pair) => {
    await pair.b.write(frameBytes({ type: "x" }, { claim: 2 ** 52 }));
    let asked = 0;
    const receive = () => pair.a.receive((_, bytes) => new Uint8Array(asked = bytes));
    await soon(assertRejects(receive, ChannelError, "at most 100 B"));
    assertEquals(asked, 0);
  }, { attempt: 1, maxPayload: 100 });

  rawTest("takes memory for what came, not for what was claimed", async ({ a, b }) => {
    const before = Deno.memoryUsage().external;
    await b.write(frameBytes({ type: "x" }, { claim: 3 * 2 ** 30 }));
    const received = assertRejects(() => a.receive(), ChannelError, "ended inside");
    await b.write(new Uint8Array(100));
    await new Promise((resolve) => setTimeout(resolve, 20));
    const grown = Deno.memoryUsage().external - before;
    b.close();
    await soon(received);
    assert(grown < 8 * 2 ** 20, `${grown} B`);
  });

  rawTest("gives an unplaced payload of 5 MB that comes in pieces", async ({ a, b }) => {
    const payload = Uint8Array.from({ length: 5_000_001 }, (_, i) => i * 31);
    const received = a.receive();
    const bytes = frameBytes({ type: "x" }, { payload });
    for (let at = 0; at < bytes.length;) at += await b.write(bytes.subarray(at, at + 700_000));
    const frame = await soon(received);
    assertEquals(frame?.payload.byteOffset, 0);
    assert(frame?.payload.length === payload.length);
    assert(frame.payload.every((x, i) => x === payload[i]));
  });

  for (const [what, at] of Object.entries(PLACES)) {
    rawTest(`rejects a flipped bit in the ${what}`, async ({ a, b }) => {
      const bytes = frameBytes({ type: "x", pad: "y".repeat(40) }, { payload: new Uint8Array(64) });
      bytes[at] = (bytes[at] as number) ^ 4;
      await b.write(bytes);
      await soon(assertRejects(() => a.receive(), ChannelError, "Cannot read a frame"));
      assertEquals(a.stale, 0);
    });
  }

  const wrong: Readonly<Record<string, Parts>> = {
    repeated: { sequence: 0 },
    skipped: { sequence: 2 },
  };
  for (const [what, parts] of Object.entries(wrong)) {
    rawTest(`rejects a ${what} sequence number`, async ({ a, b }) => {
      await b.write(concat(frameBytes({ type: "x" }), frameBytes({ type: "y" }, parts)));
      const { frames, error } = await soon(drain(a));
      assertEquals(frames.map((f) => f.header.type), ["x"]);
      assert(error instanceof ChannelError);
      assertStringIncludes(error.message, "sequence 1");
    });
  }

  for (const left of [1, 39, 40, 50, 64, 1000, 1063]) {
    rawTest(`rejects when the peer dies after ${left} of 1064 bytes`, async ({ a, b }) => {
      await b.write(frameBytes({ type: "x" }, { payload: new Uint8Array(1000) }).subarray(0, left));
      b.close();
      await soon(assertRejects(() => a.receive(), ChannelError, "ended inside"));
    });
  }

  for (const [what, bytes] of Object.entries(ATTACKS)) {
    rawTest(`refuses ${what}`, async ({ a, b }) => {
      await b.write(rawFrame(Uint8Array.from(bytes)));
      await soon(assertRejects(() => a.receive(), ChannelError, "Cannot read a header"));
    });
  }
}
