/** Channels over TLS, and refused peers. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import type { Duplex } from "../../src/transport/bytes.ts";
import { UserError } from "../../src/base/user_error.ts";
import { ChannelError, type FencedChannel } from "../../src/transport/channel.ts";
import { streamChannel } from "../../src/transport/stream.ts";
import { bindTcp, connectTcp, dialTcp, listenTcp } from "../../src/transport/tcp.ts";
import type { TlsIdentity } from "../../src/transport/tls.ts";
import { connect, type ConnectionOptions } from "node:tls";
import { channelContract } from "../contracts/channel.ts";
import { HELLO, OTHER, TOKEN, untilClosed } from "./peers.ts";
import { HAS_OPENSSL, makeIdentity } from "./tls_files.ts";
import { soon, until } from "./wire.ts";

const NONE: TlsIdentity = { ca: "", cert: "", key: "" };
const OURS = HAS_OPENSSL ? makeIdentity() : NONE;
const FOREIGN = HAS_OPENSSL ? makeIdentity() : NONE;

function test(name: string, body: () => Promise<void>): void {
  Deno.test(`${name} (needs openssl)`, { ignore: !HAS_OPENSSL }, body);
}

/** Two ends of a connection. */
async function ends(): Promise<{ near: Duplex; far: Duplex }> {
  const listener = await bindTcp({ port: 0, tls: OURS });
  const [near, far] = await Promise.all([
    connectTcp({ port: listener.port, tls: OURS }),
    listener.accept(),
  ]);
  listener.close();
  if (far === undefined) throw new Error("Nobody came");
  return { near, far };
}

if (HAS_OPENSSL) {
  channelContract("TLS (needs openssl)", {
    async pair(options) {
      const { near, far } = await ends();
      return { a: streamChannel(near, options), b: streamChannel(far, options), close() {} };
    },
    async raw(options) {
      const { near, far } = await ends();
      return { a: streamChannel(near, options), b: far, close() {} };
    },
  });
} else Deno.test("TLS channels keep the contract (needs openssl)", { ignore: true }, () => {});

/** A gate with TLS on all addresses, and its admitted peers. */
async function opened() {
  const inside: FencedChannel[] = [];
  const gate = await listenTcp({
    port: 0,
    hostname: "0.0.0.0",
    tls: OURS,
    token: TOKEN,
    admitted: (channel) => inside.push(channel),
  });
  const close = () => [gate, ...inside].forEach((one) => one.close());
  return { gate, inside, [Symbol.dispose]: close };
}

test("TLS admits who shows a certificate and has the token", async () => {
  using place = await opened();
  const { port } = place.gate;
  const channel = await soon(dialTcp({ port, tls: OURS, token: TOKEN, hello: HELLO }));
  await until(() => place.inside.length === 1);
  await channel.send({ type: "x" }, new Uint8Array(100_000));
  const frame = await soon(place.inside[0]?.receive() ?? Promise.reject());
  assertEquals(frame?.payload.length, 100_000);
  channel.close();
});

test("a certificate without the token opens nothing", async () => {
  using place = await opened();
  const dial = () => dialTcp({ port: place.gate.port, tls: OURS, token: OTHER, hello: HELLO });
  await soon(assertRejects(dial, ChannelError, "the listener has another"));
  assertEquals(place.inside, []);
});

test("a certificate of another authority is refused by both ends", async () => {
  using place = await opened();
  const { port } = place.gate;
  const terms = { port, token: TOKEN, hello: HELLO };
  // The dialer does not trust the listener.
  await soon(assertRejects(() => dialTcp({ ...terms, tls: FOREIGN }), ChannelError, "certificate"));
  // The dialer does, but the listener does not trust the dialer.
  const tls = { ...FOREIGN, ca: OURS.ca };
  await soon(assertRejects(() => dialTcp({ ...terms, tls }), ChannelError));
  assertEquals([place.inside.length, place.gate.counts.admitted], [0, 0]);
});

/** How a node:tls client ends: the error, or "closed". */
function outcome(port: number, options: ConnectionOptions): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect({ host: "127.0.0.1", port, ca: OURS.ca, ...options });
    socket.on("data", () => resolve("data"));
    socket.on("error", ({ message }: Error) => resolve(message));
    socket.on("close", () => resolve("closed"));
  });
}

test("no certificate, or a TLS of old, is refused with an alert", async () => {
  using place = await opened();
  const { port } = place.gate;
  assert((await soon(outcome(port, {}))).includes("CertificateRequired"));
  const { cert, key } = OURS;
  const old = { cert, key, minVersion: "TLSv1.2", maxVersion: "TLSv1.2" } as const;
  assert((await soon(outcome(port, old))).includes("ProtocolVersion"));
  assertEquals(place.gate.counts, { admitted: 0, refused: 0 }); // the gate has seen none of them
});

test("plain TCP to a TLS port gets nothing, and 100 silent peers keep nobody out", async () => {
  using place = await opened();
  const { port } = place.gate;
  const plain = await Deno.connect({ hostname: "127.0.0.1", port });
  await plain.write(new TextEncoder().encode("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"));
  await soon(untilClosed(plain), 2000);
  plain.close();
  const silent = await Promise.all(
    Array.from({ length: 100 }, () => Deno.connect({ hostname: "127.0.0.1", port })),
  );
  let closed = 0;
  for (const one of silent) untilClosed(one).then(() => closed++);
  await until(() => closed >= 36, 2000); // no more than 64 wait
  const start = performance.now();
  const channel = await soon(dialTcp({ port, tls: OURS, token: TOKEN, hello: HELLO }));
  assert(performance.now() - start < 1000);
  channel.close();
  for (const one of silent) one.close();
});

test("a peer that shows no certificate is closed at the deadline", async () => {
  const listener = await bindTcp({ port: 0, tls: OURS, deadline: 100 });
  const silent = await Deno.connect({ hostname: "127.0.0.1", port: listener.port });
  await soon(untilClosed(silent), 2000);
  silent.close();
  listener.close();
});

test("a listener that shows no certificate is given up at the deadline", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const accepted = listener.accept();
  const dial = () => connectTcp({ port: listener.addr.port, tls: OURS, deadline: 100 });
  await soon(assertRejects(dial, ChannelError, "no certificate within 100 ms"), 2000);
  (await accepted).close();
  listener.close();
});

test("certificates that do not belong together, or are none, are refused", async () => {
  for (const part of [{ key: "no key" }, { key: FOREIGN.key }, { cert: "none" }, { ca: "none" }]) {
    const tls = { ...OURS, ...part };
    await assertRejects(() => bindTcp({ port: 0, tls }), UserError, "Cannot use the certificates");
    const dial = () => connectTcp({ port: 1, tls });
    await assertRejects(dial, UserError, "Cannot use the certificates");
  }
});
