import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { type Channel, ChannelError, type Header } from "../../src/transport/channel.ts";
import { admit, greet, type Hello } from "../../src/transport/handshake.ts";
import { memoryPair } from "../../src/transport/memory.ts";
import { soon } from "./wire.ts";

const TOKEN = new Uint8Array(32).map((_, i) => i * 7);
const OTHER = TOKEN.with(31, 0);
const HELLO = { rank: 3, attempt: 5, run: "r1" };

function pair(): [Channel, Channel] {
  return memoryPair({ attempt: 1 });
}

async function assertClosed(...channels: readonly Channel[]): Promise<void> {
  for (const channel of channels) {
    await assertRejects(() => channel.send({ type: "x" }), ChannelError);
  }
}

/** A channel that records received frames. */
function tapped(channel: Channel): { channel: Channel; heard: Header[] } {
  const heard: Header[] = [];
  return {
    heard,
    channel: {
      send: (header, payload) => channel.send(header, payload),
      close: () => channel.close(),
      async receive(place) {
        const frame = await channel.receive(place);
        if (frame) heard.push(frame.header);
        return frame;
      },
    },
  };
}

Deno.test("admit() returns the dialer's hello, and the channel stays usable", async () => {
  const [a, b] = pair();
  const [, hello] = await soon(
    Promise.all([greet(a, HELLO, { token: TOKEN }), admit(b, { token: TOKEN })]),
  );
  assertEquals(hello, HELLO);
  await a.send({ type: "after" });
  assertEquals((await b.receive())?.header.type, "after");
  a.close();
  b.close();
});

Deno.test("the token is never sent", async () => {
  const [a, b] = pair();
  const dialer = tapped(a);
  const listener = tapped(b);
  const terms = { token: TOKEN };
  await soon(Promise.all([greet(dialer.channel, HELLO, terms), admit(listener.channel, terms)]));
  const all = [...dialer.heard, ...listener.heard].flatMap((h) => Object.values(h));
  const bytes = all.filter((v) => v instanceof Uint8Array);
  assertEquals(bytes.length, 4); // two nonces, two proofs
  assert(bytes.every((v) => v.toHex() !== TOKEN.toHex()));
  assertEquals(new Set(bytes.map((v) => v.toHex())).size, 4);
  a.close();
});

Deno.test("greet() and admit() reject and close when the tokens differ", async () => {
  const [a, b] = pair();
  const errors = await soon(Promise.all([
    assertRejects(() => greet(a, HELLO, { token: OTHER }), ChannelError),
    assertRejects(() => admit(b, { token: TOKEN }), ChannelError),
  ]));
  assertStringIncludes(errors[0].message, "the listener has another");
  await assertClosed(a, b);
});

Deno.test("admit() rejects a dialer without the token", async () => {
  const [a, b] = pair();
  const admitted = assertRejects(() => admit(b, { token: TOKEN }), ChannelError, "the dialer has");
  const nonce = new Uint8Array(32);
  await a.send({ type: "hello", version: 1, nonce, hello: HELLO });
  const challenge = (await a.receive())?.header;
  // the listener's own proof, sent back to it, must not open the door
  await a.send({ type: "answer", proof: challenge?.["proof"] ?? null });
  await soon(admitted);
  await assertClosed(b);
});

Deno.test("admit() rejects a replayed handshake", async () => {
  const [a, b] = pair();
  const listener = tapped(b);
  await soon(Promise.all([
    greet(a, HELLO, { token: TOKEN }),
    admit(listener.channel, { token: TOKEN }),
  ]));
  const [c, d] = pair();
  const admitted = assertRejects(() => admit(d, { token: TOKEN }), ChannelError, "the run's token");
  for (const header of listener.heard) await c.send(header);
  await soon(admitted);
});

Deno.test("admit() rejects a hello that was modified in transit", async () => {
  const [a, b] = pair();
  const forged: Channel = {
    send: (header, payload) =>
      a.send(
        header.type === "hello" ? { ...header, hello: { ...HELLO, rank: 0 } } : header,
        payload,
      ),
    receive: (place) => a.receive(place),
    close: () => a.close(),
  };
  await soon(Promise.all([
    assertRejects(() => greet(forged, HELLO, { token: TOKEN }), ChannelError, "the run's token"),
    assertRejects(() => admit(b, { token: TOKEN }), ChannelError),
  ]));
});

Deno.test("both ends report both versions if they differ", async () => {
  const [a, b] = pair();
  const text = "needs version 1: got 2";
  await soon(Promise.all([
    assertRejects(() => greet(a, HELLO, { token: TOKEN, version: 2 }), ChannelError, text),
    assertRejects(() => admit(b, { token: TOKEN }), ChannelError, text),
  ]));
  await assertClosed(a, b);
});

Deno.test("greet() and admit() reject at their deadline", async () => {
  for (const side of [greetLate, admitLate]) {
    const [a, b] = pair();
    await soon(assertRejects(() => side(a), ChannelError, "within 20 ms"));
    await assertClosed(a);
    assert((await soon(drained(b))) <= 1); // and the other end sees the end
  }
});

Deno.test("admit() refuses a hello that its judge refuses, and both ends report the reason", async () => {
  const [a, b] = pair();
  const judged: Hello[] = [];
  const judge = (hello: Hello) => {
    judged.push(hello);
    return `needs rank 2: got ${hello.rank}`;
  };
  await soon(Promise.all([
    assertRejects(() => greet(a, HELLO, { token: TOKEN }), ChannelError, "the peer needs rank 2"),
    assertRejects(() => admit(b, { token: TOKEN, judge }), ChannelError, "needs rank 2: got 3"),
  ]));
  assertEquals(judged, [HELLO]);
  await assertClosed(a, b);
});

Deno.test("admit() calls its judge only after authentication", async () => {
  const [a, b] = pair();
  const judge = () => {
    throw new Error("asked too early");
  };
  await soon(Promise.all([
    assertRejects(
      () => greet(a, HELLO, { token: OTHER }),
      ChannelError,
      "the listener has another",
    ),
    assertRejects(() => admit(b, { token: TOKEN, judge }), ChannelError, "the peer closed"),
  ]));
});

Deno.test("greet() reports a reason without control characters, and truncates a long one", async () => {
  const [a, b] = pair();
  const reason = `\u001b[2J${"x".repeat(5000)}`;
  await b.send({ type: "refused", reason });
  const greeted = () => greet(a, HELLO, { token: TOKEN });
  const { message } = await soon(assertRejects(greeted, ChannelError, "the peer ?[2Jxxx"));
  assert(message.length < 400);
});

function greetLate(channel: Channel): Promise<unknown> {
  return greet(channel, HELLO, { token: TOKEN, deadline: 20 });
}

function admitLate(channel: Channel): Promise<unknown> {
  return admit(channel, { token: TOKEN, deadline: 20 });
}

/** How many frames came before the end. */
async function drained(channel: Channel): Promise<number> {
  let n = 0;
  while (await channel.receive()) n++;
  return n;
}

const BAD: Readonly<Record<string, Header>> = {
  "another type": { type: "root" },
  "no version": { type: "hello" },
  "a short nonce": { type: "hello", version: 1, nonce: new Uint8Array(31), hello: HELLO },
  "no hello": { type: "hello", version: 1, nonce: new Uint8Array(32) },
  "a negative rank": {
    type: "hello",
    version: 1,
    nonce: new Uint8Array(32),
    hello: { rank: -1, attempt: 0 },
  },
  "a number that JSON cannot hold": {
    type: "hello",
    version: 1,
    nonce: new Uint8Array(32),
    hello: { ...HELLO, more: NaN },
  },
  "a nested fact": {
    type: "hello",
    version: 1,
    nonce: new Uint8Array(32),
    hello: { ...HELLO, more: [1] },
  },
};
for (const [what, header] of Object.entries(BAD)) {
  Deno.test(`admit() rejects ${what}`, async () => {
    const [a, b] = pair();
    const terms = { token: TOKEN, deadline: 60_000 };
    const admitted = assertRejects(
      () => admit(b, terms),
      ChannelError,
      "Cannot shake hands: needs",
    );
    await a.send(header);
    await soon(admitted);
    await assertClosed(b);
  });
}

Deno.test("admit() rejects payloads before authentication, and a peer that closes", async () => {
  const [a, b] = pair();
  const admitted = assertRejects(() => admit(b, { token: TOKEN }), ChannelError, "without payload");
  await a.send({ type: "hello" }, new Uint8Array(100));
  await soon(admitted);
  const [c, d] = pair();
  c.close();
  await soon(assertRejects(() => admit(d, { token: TOKEN }), ChannelError, "the peer closed"));
});

Deno.test("greet() refuses a token of another size", async () => {
  const [a] = pair();
  const short = { token: new Uint8Array(31) };
  await assertRejects(() => greet(a, HELLO, short), RangeError, "32 bytes: got 31");
});
