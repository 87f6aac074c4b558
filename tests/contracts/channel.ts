/**
 * The contract of a channel, as one suite for every transport. In words it is in
 * src/transport/channel.ts; tests with handmade bytes are in channel_wire.ts.
 */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { bytesOf } from "../../src/base/hash.ts";
import {
  ChannelError,
  type ChannelOptions,
  type FencedChannel,
} from "../../src/transport/channel.ts";
import { soon } from "../transport/wire.ts";
import { wireLaws } from "./channel_wire.ts";
import { during, type Pair, type Transport } from "./transport.ts";

/** Registers the suite for one transport. */
export function channelContract(name: string, transport: Transport): void {
  const test = (
    law: string,
    body: (pair: Pair<FencedChannel>) => Promise<void>,
    options: ChannelOptions = { attempt: 1 },
  ) =>
    Deno.test(`${name} channel ${law}`, async () => {
      await during(await transport.pair(options), body);
    });
  test("keeps order and values", async ({ a, b }) => {
    const values = {
      list: [1, -1.5, "é", null, true],
      bytes: new Uint8Array([1, 2]),
      deep: { x: 2 ** 40 },
    };
    for (let i = 0; i < 50; i++) await a.send({ type: "count", i, ...values }, new Uint8Array(i));
    for (let i = 0; i < 50; i++) {
      const frame = await soon(b.receive());
      assertEquals(frame?.header, { type: "count", i, ...values });
      assertEquals(frame?.payload.length, i);
    }
  });

  test("gives bytes in a header as a Uint8Array", async ({ a, b }) => {
    await a.send({ type: "x", bytes: new Uint8Array([7]) });
    const bytes = (await soon(b.receive()))?.header["bytes"];
    assert(bytes instanceof Uint8Array && bytes.constructor === Uint8Array);
  });

  test("moves 8 MiB into a placed buffer", async ({ a, b }) => {
    const floats = Float32Array.from({ length: 2 ** 21 }, (_, i) => i * 0.5);
    const into = new Float32Array(floats.length);
    const sent = a.send({ type: "big" }, bytesOf(floats));
    const asked: [string, number][] = [];
    const frame = await soon(b.receive((header, bytes) => {
      asked.push([header.type, bytes]);
      return bytesOf(into);
    }));
    await soon(sent);
    assertEquals(asked, [["big", 8 * 2 ** 20]]);
    assert(frame?.payload.buffer === into.buffer);
    assert(into.every((x, i) => x === floats[i]));
  });

  test("gives unplaced payloads that floats can view", async ({ a, b }) => {
    const floats = new Float32Array([1, 2, 3]);
    for (const type of ["a", "abc"]) {
      await a.send({ type }, bytesOf(floats));
      const payload = (await soon(b.receive(() => undefined)))?.payload;
      assert(payload);
      assertEquals(new Float32Array(payload.buffer, payload.byteOffset, 3), floats);
    }
  });

  test("lets the sender change a payload once sent", async ({ a, b }) => {
    const payload = new Uint8Array(1000).fill(1);
    await a.send({ type: "x" }, payload);
    payload.fill(2);
    assertEquals((await soon(b.receive()))?.payload, new Uint8Array(1000).fill(1));
  });

  test("moves much in both directions at once", async ({ a, b }) => {
    const big = new Uint8Array(3_000_001).fill(5);
    const work = [a, b].flatMap((end) => [
      end.send({ type: "big" }, big),
      end.receive().then((frame) => assertEquals(frame?.payload.length, big.length)),
    ]);
    await soon(Promise.all(work));
  });

  test("queues concurrent sends and receives in order", async ({ a, b }) => {
    const sizes = [300_000, 0, 70_000, 1];
    const sends = sizes.map((n, i) => a.send({ type: "q", i }, new Uint8Array(n).fill(i)));
    const frames = await soon(Promise.all(sizes.map(() => b.receive())));
    await soon(Promise.all(sends));
    assertEquals(frames.map((f) => f?.header["i"]), [0, 1, 2, 3]);
    assertEquals(frames.map((f) => f?.payload.length), sizes);
    assert(frames.every((f, i) => f?.payload.every((x) => x === i)));
  });

  test("ends in order after what was sent", async ({ a, b }) => {
    await a.send({ type: "last" });
    a.close();
    assertEquals((await soon(b.receive()))?.header.type, "last");
    assertEquals(await soon(b.receive()), undefined);
    assertEquals(await soon(b.receive()), undefined);
  });

  test("ends pending calls at close and refuses later sends", async ({ a }) => {
    const pending = a.receive();
    const stuck = assertRejects(() => a.send({ type: "x" }, new Uint8Array(4e6)), ChannelError);
    await Promise.resolve();
    a.close();
    a.close();
    assertEquals(await soon(pending), undefined);
    await soon(stuck);
    assertEquals(await soon(a.receive()), undefined);
    await assertRejects(() => a.send({ type: "x" }), ChannelError, "it is closed");
  });

  test("rejects sends to a peer that has closed", async ({ a, b }) => {
    b.close();
    const error = await soon(assertRejects(() => a.send({ type: "x" }, new Uint8Array(4e6))));
    assert(error instanceof ChannelError);
  });

  for (const length of [7, 9]) {
    test(`refuses a placed buffer of ${length} bytes for 8`, async ({ a, b }) => {
      await a.send({ type: "x" }, new Uint8Array(8));
      const receive = () => b.receive(() => new Uint8Array(length));
      await soon(assertRejects(receive, ChannelError, `needs a buffer of 8 B: got ${length}`));
      await soon(assertRejects(() => b.receive(), ChannelError, "needs a buffer"));
    });
  }

  test("closes when the receiver refuses a payload", async ({ a, b }) => {
    await a.send({ type: "x" }, new Uint8Array(8));
    const receive = () =>
      b.receive(() => {
        throw new RangeError("not mine");
      });
    await soon(assertRejects(receive, ChannelError, "not mine"));
    await soon(assertRejects(() => b.send({ type: "y" }), ChannelError, "not mine"));
  });

  test("stays well after a send that nobody would accept", async ({ a, b }) => {
    await assertRejects(() => a.send({ type: "x", constructor: 1 }), TypeError);
    await assertRejects(() => a.send({ type: "x".repeat(70_000) }), TypeError);
    await assertRejects(() => a.send({ type: "x", n: [[[[[[1]]]]]] }), TypeError, "levels");
    await assertRejects(() => a.send({ type: "x" }, new Uint8Array(101)), RangeError, "100 B");
    await a.send({ type: "x", n: [[[[1]]]] }, new Uint8Array(100));
    assertEquals((await soon(b.receive()))?.header, { type: "x", n: [[[[1]]]] });
  }, { attempt: 1, maxPayload: 100 });

  test("drops frames of another attempt and counts them", async ({ a, b }) => {
    a.attempt = 0;
    await a.send({ type: "old" }, new Uint8Array(200_000));
    const waiting = a.send({ type: "old, still queued" });
    a.attempt = 2;
    b.attempt = 2;
    await a.send({ type: "new" });
    await waiting;
    assertEquals((await soon(b.receive()))?.header.type, "new");
    assertEquals(b.stale, 2);
  });

  test("takes another limit of accepted payloads at any time", async ({ a, b }) => {
    b.maxPayload = 8;
    await a.send({ type: "x" }, new Uint8Array(8));
    assertEquals((await soon(b.receive()))?.payload.length, 8);
    b.maxPayload = 100;
    await a.send({ type: "y" }, new Uint8Array(100));
    assertEquals((await soon(b.receive()))?.payload.length, 100);
    b.maxPayload = 7;
    await b.send({ type: "back" }, new Uint8Array(100)); // what is sent has a limit of its own
    await a.send({ type: "z" }, new Uint8Array(8));
    await soon(assertRejects(() => b.receive(), ChannelError, "at most 7 B: got 8"));
  });

  test("takes the attempt of the first frame when told so", async ({ a, b }) => {
    a.attempt = 7;
    await a.send({ type: "x" });
    assertEquals((await soon(b.receive()))?.header.type, "x");
    assertEquals([b.attempt, b.stale], [7, 0]);
    a.attempt = 6;
    await a.send({ type: "stale" });
    a.attempt = 7;
    await a.send({ type: "y" });
    assertEquals((await soon(b.receive()))?.header.type, "y");
    assertEquals([b.attempt, b.stale], [7, 1]);
  }, { attempt: "first" });

  wireLaws(name, transport);
}
