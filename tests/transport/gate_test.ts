import { assert, assertEquals, assertRejects } from "@std/assert";
import type { Duplex } from "../../src/transport/bytes.ts";
import { type Channel, ChannelError, type FencedChannel } from "../../src/transport/channel.ts";
import { type GateOptions, openGate, UNAUTHENTICATED_BYTES } from "../../src/transport/gate.ts";
import { greet, type Hello } from "../../src/transport/handshake.ts";
import { streamChannel } from "../../src/transport/stream.ts";
import { door, enter, HELLO, OTHER, TOKEN, untilClosed } from "./peers.ts";
import { frameBytes, soon, until } from "./wire.ts";

/** An in-memory gate, its admitted peers, and cleanup. */
function opened(options: Partial<GateOptions> = {}) {
  const entrance = door();
  const inside: { channel: FencedChannel; hello: Hello }[] = [];
  let came = Promise.withResolvers<void>();
  const gate = openGate(entrance, {
    token: TOKEN,
    admitted(channel, hello) {
      inside.push({ channel, hello });
      came.resolve();
      came = Promise.withResolvers();
    },
    ...options,
  });
  return {
    entrance,
    gate,
    inside,
    came: () => came.promise,
    [Symbol.dispose]() {
      gate.close();
      for (const { channel } of inside) channel.close();
    },
  };
}

Deno.test("a gate admits an authenticated peer at once, in the attempt of its hello", async () => {
  using place = opened();
  const came = place.came();
  const channel = await soon(enter(place.entrance.dial()));
  await soon(came);
  assertEquals(place.inside.map(({ hello }) => hello), [HELLO]);
  assertEquals(place.inside[0]?.channel.attempt, HELLO.attempt);
  assertEquals(place.gate.counts, { admitted: 1, refused: 0 });
  assertEquals(place.gate.pending, 0);
  // The limits before authentication are lifted.
  const sent = channel.send({ type: "big" }, new Uint8Array(300_000));
  const frame = await soon(place.inside[0]?.channel.receive() ?? Promise.reject());
  await soon(sent);
  assertEquals(frame?.payload.length, 300_000);
  channel.close();
});

Deno.test("a gate refuses a token of another run, and continues", async () => {
  using place = opened();
  await soon(
    assertRejects(() => enter(place.entrance.dial(), HELLO, OTHER), ChannelError, "another"),
  );
  (await soon(enter(place.entrance.dial()))).close();
  assertEquals(place.gate.counts, { admitted: 1, refused: 1 });
});

Deno.test("a gate lets its owner refuse an authenticated hello, and sends the reason", async () => {
  using place = opened({
    judge: ({ attempt }) => attempt === 5 ? undefined : `needs attempt 5: got ${attempt}`,
  });
  const old = () => enter(place.entrance.dial(), { rank: 3, attempt: 4 });
  await soon(assertRejects(old, ChannelError, "the peer needs attempt 5: got 4"));
  (await soon(enter(place.entrance.dial()))).close();
  assertEquals(place.gate.counts, { admitted: 1, refused: 1 });
});

Deno.test("a gate refuses frames of another attempt than that of the hello", async () => {
  using place = opened();
  const stream = place.entrance.dial();
  const channel = streamChannel(stream, { attempt: 9 });
  const greeted = () => greet(channel, HELLO, { token: TOKEN });
  await soon(assertRejects(greeted, ChannelError, "needs frames of attempt 5"));
  assertEquals(place.inside, []);
});

Deno.test("a gate admits peers while others are silent, and closes those at the deadline", async () => {
  using place = opened({ deadline: 200 });
  const silent = Array.from({ length: 10 }, () => place.entrance.dial());
  (await soon(enter(place.entrance.dial()))).close();
  assertEquals(place.gate.pending, 10);
  await soon(Promise.all(silent.map(untilClosed)));
  await until(() => place.gate.counts.refused === 10);
  assertEquals(place.gate.pending, 0);
});

Deno.test("a gate whose process was suspended closes no peer that answered in time", async () => {
  using place = opened({ deadline: 200 });
  const silent = untilClosed(place.entrance.dial());
  const channel = streamChannel(place.entrance.dial(), { attempt: HELLO.attempt });
  let received = 0;
  const busy: Channel = {
    send: (header, payload) => channel.send(header, payload),
    async receive(at) {
      const frame = await channel.receive(at);
      // As a device keeps the event loop busy: nobody has a turn.
      const end = performance.now() + (received++ === 0 ? 500 : 0);
      while (performance.now() < end);
      return frame;
    },
    close: () => channel.close(),
  };
  await soon(greet(busy, HELLO, { token: TOKEN }));
  channel.close();
  await soon(silent);
  await until(() => place.gate.counts.refused > 0);
  assertEquals(place.gate.counts, { admitted: 1, refused: 1 });
});

Deno.test("a gate closes the oldest pending peer when there are too many", async () => {
  using place = opened({ maxPending: 4 });
  const silent: Duplex[] = [];
  const ends: number[] = [];
  for (let i = 0; i < 6; i++) {
    const stream = place.entrance.dial();
    silent.push(stream);
    untilClosed(stream).then(() => ends.push(i));
  }
  (await soon(enter(place.entrance.dial()))).close();
  assertEquals(ends, [0, 1, 2]);
  assertEquals(place.gate.pending, 3);
  assertEquals(place.gate.counts, { admitted: 1, refused: 3 });
});

Deno.test("a gate reads at most a kilobyte before authentication", async () => {
  using place = opened({ deadline: 60_000 });
  const stream = place.entrance.dial();
  const bytes = frameBytes({ type: "hello", version: 1, text: "x".repeat(3000) });
  await stream.write(bytes.subarray(0, UNAUTHENTICATED_BYTES - 1));
  await new Promise((resolve) => setTimeout(resolve, 20));
  assertEquals(place.gate.pending, 1); // so much is read, and more is waited for
  await stream.write(bytes.subarray(UNAUTHENTICATED_BYTES - 1, UNAUTHENTICATED_BYTES));
  await soon(untilClosed(stream));
  await until(() => place.gate.counts.refused === 1);
});

Deno.test("a gate accepts no payload before authentication", async () => {
  using place = opened({ deadline: 60_000 });
  for (const claim of [1, 2 ** 32, 2 ** 52]) {
    const stream = place.entrance.dial();
    await stream.write(frameBytes({ type: "hello" }, { claim }));
    await soon(untilClosed(stream));
  }
  await until(() => place.gate.counts.refused === 3);
  assertEquals(place.gate.counts.admitted, 0);
});

Deno.test("a gate survives errors of its listener", async () => {
  using place = opened({ deadline: 60_000 });
  const silent = untilClosed(place.entrance.dial());
  place.entrance.fail();
  await soon(silent); // it made room
  (await soon(enter(place.entrance.dial()))).close();
  assertEquals(place.gate.counts, { admitted: 1, refused: 1 });
});

Deno.test("a closed gate admits no peer, not even a pending one", async () => {
  const place = opened({ deadline: 60_000 });
  const first = place.entrance.dial();
  await first.write(frameBytes({ type: "hello" }).subarray(0, 50));
  await until(() => place.gate.pending === 1);
  const late = enter(place.entrance.dial());
  place.gate.close();
  place.gate.close();
  await soon(assertRejects(() => late, ChannelError));
  await soon(untilClosed(first));
  assertEquals(place.inside, []);
  assert(place.gate.pending === 0);
});

Deno.test("a gate limits payloads of admitted peers", async () => {
  using place = opened({ maxPayload: 1000 });
  const came = place.came();
  const channel = await soon(enter(place.entrance.dial()));
  await soon(came);
  const receive = () => place.inside[0]?.channel.receive() ?? Promise.reject();
  await channel.send({ type: "x" }, new Uint8Array(1001));
  await soon(assertRejects(receive, ChannelError, "at most 1000 B: got 1001"));
});
