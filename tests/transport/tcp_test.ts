import { assertEquals, assertRejects } from "@std/assert";
import { UserError } from "../../src/base/user_error.ts";
import { ChannelError, type FencedChannel } from "../../src/transport/channel.ts";
import { streamChannel } from "../../src/transport/stream.ts";
import { bindTcp, connectTcp, dialTcp, listenTcp } from "../../src/transport/tcp.ts";
import { channelContract } from "../contracts/channel.ts";
import { HELLO, OTHER, TOKEN } from "./peers.ts";
import { soon, until } from "./wire.ts";

/** Two ends of a connection. */
async function ends() {
  const listener = await bindTcp({ port: 0 });
  const [near, far] = await Promise.all([
    connectTcp({ port: listener.port }),
    listener.accept(),
  ]);
  listener.close();
  if (far === undefined) throw new Error("Nobody came");
  return { near, far };
}

channelContract("TCP", {
  async pair(options) {
    const { near, far } = await ends();
    return { a: streamChannel(near, options), b: streamChannel(far, options), close() {} };
  },
  async raw(options) {
    const { near, far } = await ends();
    let isOpen = true;
    const b = {
      read: (p: Uint8Array) => far.read(p),
      write: (p: Uint8Array) => far.write(p),
      close() {
        if (isOpen) far.close();
        isOpen = false;
      },
    };
    return { a: streamChannel(near, options), b, close() {} };
  },
});

Deno.test("TCP gives a channel only to authenticated peers", async () => {
  const inside: FencedChannel[] = [];
  const gate = await listenTcp({
    port: 0,
    token: TOKEN,
    admitted: (channel) => inside.push(channel),
  });
  const dial = (token: Uint8Array) => dialTcp({ port: gate.port, token, hello: HELLO });
  await soon(assertRejects(() => dial(OTHER), ChannelError, "the listener has another"));
  const channel = await soon(dial(TOKEN));
  await until(() => inside.length === 1);
  await channel.send({ type: "x" }, new Uint8Array(100_000));
  assertEquals((await soon(inside[0]?.receive() ?? Promise.reject()))?.payload.length, 100_000);
  assertEquals(gate.counts, { admitted: 1, refused: 1 });
  gate.close();
  channel.close();
  inside[0]?.close();
  await assertRejects(() => dial(TOKEN), ChannelError, "needs a listening peer");
});

Deno.test("TCP on a non-loopback address is refused without certificates", async () => {
  const options = { port: 0, token: TOKEN, admitted: () => {} };
  for (const hostname of ["0.0.0.0", "::", "10.0.0.1", "example.org", "127.example.org", ""]) {
    const listen = () => listenTcp({ ...options, hostname });
    const refusal = await assertRejects(listen, UserError, "needs a loopback address");
    assertEquals(refusal.exit, "config");
    const dial = () => dialTcp({ port: 1, token: TOKEN, hello: HELLO, hostname });
    await assertRejects(dial, UserError, "needs a loopback address");
    const tls = { ca: "", cert: "x", key: "x" };
    await assertRejects(() => listenTcp({ ...options, hostname, tls }), UserError, "one is empty");
  }
});

Deno.test("a port that is taken is refused", async () => {
  const first = await bindTcp({ port: 0 });
  const again = () => bindTcp({ port: first.port });
  await assertRejects(again, UserError, "needs a free port of this machine");
  first.close();
  first.close();
  assertEquals(await first.accept(), undefined);
});
