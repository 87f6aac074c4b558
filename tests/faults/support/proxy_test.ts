/** Tests of the fault proxy: forwarding, and each of its faults. */
import { assert, assertEquals, assertLess, assertRejects } from "@std/assert";
import { ChannelError } from "../../../src/transport/channel.ts";
import { type PipeEnd, pipePair } from "../../../src/transport/memory.ts";
import { streamChannel } from "../../../src/transport/stream.ts";
import { dialUnix, listenUnix } from "../../../src/transport/unix.ts";
import { channelContract } from "../../contracts/channel.ts";
import { soon } from "../../transport/wire.ts";
import { Link, openProxy } from "./proxy.ts";

/** Two ends with a faulty link between them, closed at the end. */
class Bench implements Disposable {
  readonly a: PipeEnd;
  readonly b: PipeEnd;
  readonly link: Link;

  constructor() {
    const [a, nearA] = pipePair();
    const [b, nearB] = pipePair();
    this.a = a;
    this.b = b;
    this.link = new Link(nearA, nearB);
  }

  [Symbol.dispose](): void {
    this.link.cut();
  }
}

const bytes = (n: number) => Uint8Array.from({ length: n }, (_, i) => i * 7);

/** Reads this many bytes; fewer at the end of the stream. */
async function read(end: PipeEnd, count: number): Promise<Uint8Array> {
  const out = new Uint8Array(count);
  let at = 0;
  while (at < count) {
    const n = await soon(end.read(out.subarray(at)));
    if (n === null) break;
    at += n;
  }
  return out.subarray(0, at);
}

channelContract("proxied", {
  pair(options) {
    const { a, b, link } = new Bench();
    const ends = { a: streamChannel(a, options), b: streamChannel(b, options) };
    return Promise.resolve({ ...ends, close: () => link.cut() });
  },
  raw(options) {
    const { a, b, link } = new Bench();
    return Promise.resolve({ a: streamChannel(a, options), b, close: () => link.cut() });
  },
});

Deno.test("a delay makes every byte late, not the stream slow", async () => {
  using bench = new Bench();
  const { a, b, link } = bench;
  link.there.delay = 400;
  const start = performance.now();
  for (let i = 0; i < 10; i++) await a.write(bytes(10));
  assertEquals((await read(b, 100)).length, 100);
  const ms = performance.now() - start;
  assertLess(399, ms);
  assertLess(ms, 2000); // ten writes one behind the other would be 4 s late
  await b.write(bytes(1)); // the other direction is in time
  const back = performance.now();
  await read(a, 1);
  assertLess(performance.now() - back, 390);
});

Deno.test("a rate limits bytes per second, until it is lifted", async () => {
  using bench = new Bench();
  const { a, b, link } = bench;
  link.there.rate = 100_000;
  const start = performance.now();
  await a.write(bytes(20_000));
  await read(b, 20_000);
  assertLess(150, performance.now() - start);
  link.there.rate = Infinity;
  const again = performance.now();
  await a.write(bytes(100_000));
  await read(b, 100_000);
  assertLess(performance.now() - again, 900); // 1 s at the old rate
});

Deno.test("a black hole for a time holds what comes and gives it afterwards", async () => {
  using bench = new Bench();
  const { a, b, link } = bench;
  link.there.blackhole(150);
  const start = performance.now();
  await a.write(bytes(50));
  assertEquals(await read(b, 50), bytes(50));
  assertLess(145, performance.now() - start);
});

Deno.test("a black hole without an end swallows all, and nobody meets an error", async () => {
  using bench = new Bench();
  const { a, b, link } = bench;
  link.there.blackhole();
  let came = false;
  b.read(new Uint8Array(1)).then(() => came = true);
  for (let i = 0; i < 40; i++) await soon(a.write(bytes(100_000)));
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert(!came);
  assertEquals(link.there.bytes.given, 0);
  assertLess(2_000_000, link.there.bytes.taken);
  await b.write(bytes(3));
  assertEquals(await read(a, 3), bytes(3)); // the other direction lives
});

Deno.test("a half-closed direction ends in order, and the other lives", async () => {
  using bench = new Bench();
  const { a, b, link } = bench;
  await a.write(bytes(9));
  assertEquals(await read(b, 9), bytes(9));
  link.there.end();
  assertEquals(await soon(b.read(new Uint8Array(1))), null);
  await b.write(bytes(9));
  assertEquals(await read(a, 9), bytes(9));
});

Deno.test("an end that half-closes is heard through the proxy", async () => {
  using bench = new Bench();
  const { a, b } = bench;
  await a.write(bytes(5));
  a.closeWrite();
  assertEquals(await read(b, 100), bytes(5));
  await b.write(bytes(6));
  assertEquals(await read(a, 6), bytes(6));
});

Deno.test("a cut ends both directions and closes both ends", async () => {
  using bench = new Bench();
  const { a, b, link } = bench;
  const pending = [a.read(new Uint8Array(1)), b.read(new Uint8Array(1))];
  link.cut();
  assertEquals(await soon(Promise.all(pending)), [null, null]);
  await soon(link.done);
  await assertRejects(() => a.write(bytes(1)));
});

Deno.test("a flip changes one byte, wherever its piece begins", async () => {
  for (const size of [1, 7, 64]) {
    using bench = new Bench();
    const { a, b, link } = bench;
    link.there.flip(20, 0x80);
    const sent = bytes(64);
    for (let at = 0; at < 64; at += size) await a.write(sent.subarray(at, at + size));
    assertEquals(await read(b, 64), sent.with(20, (sent[20] as number) ^ 0x80));
  }
});

Deno.test("a truncated direction gives so many bytes and ends", async () => {
  for (const before of [0, 10, 30]) {
    using bench = new Bench();
    const { a, b, link } = bench;
    if (before > 0) {
      await a.write(bytes(before));
      await read(b, before);
    }
    link.there.truncate(30);
    await soon(a.write(bytes(100)));
    assertEquals((await read(b, 200)).length, 30 - before);
  }
});

Deno.test("injected bytes stand behind those that came before", async () => {
  using bench = new Bench();
  const { a, b, link } = bench;
  await a.write(bytes(4));
  await read(b, 4);
  link.there.inject(Uint8Array.of(1, 2));
  await read(b, 2);
  await a.write(bytes(3));
  assertEquals(await read(b, 3), bytes(3));
});

Deno.test("a channel through a flipped byte fails and never gives a wrong frame", async () => {
  for (const offset of [0, 13, 30, 45, 127, 129, 1000]) {
    using bench = new Bench();
    const { a, b, link } = bench;
    link.there.flip(offset);
    const [from, to] = [streamChannel(a, { attempt: 1 }), streamChannel(b, { attempt: 1 })];
    await from.send({ type: "x", pad: "y".repeat(40) }, bytes(2000));
    await soon(assertRejects(() => to.receive(), ChannelError, "Cannot read a frame"));
  }
});

Deno.test("a proxy between Unix sockets gives each who dials a link of its own", async () => {
  const folder = await Deno.makeTempDir();
  const [near, far] = [`${folder}/near`, `${folder}/far`];
  const listener = await listenUnix(far, { attempt: 1 });
  const seen: number[] = [];
  const proxy = openProxy({ listen: near, dial: far, each: (_, index) => seen.push(index) });
  const dial = () => Promise.all([dialUnix(near, { attempt: 1 }), listener.accept()]);
  const [a, x] = await soon(dial());
  const [b, y] = await soon(dial());
  await a.send({ type: "a" }, bytes(500_000));
  await b.send({ type: "b" });
  assertEquals((await soon(x.receive()))?.payload.length, 500_000);
  assertEquals((await soon(y.receive()))?.header.type, "b");
  assertEquals(seen, [0, 1]);
  proxy.links[0]?.cut();
  assertEquals(await soon(x.receive()), undefined);
  await b.send({ type: "still" });
  assertEquals((await soon(y.receive()))?.header.type, "still");
  listener.close();
  const alone = await dialUnix(near, { attempt: 1 });
  assertEquals(await soon(alone.receive()), undefined); // nobody listens behind the proxy
  for (const channel of [a, b, x, y, alone]) channel.close();
  await soon(proxy.close());
  assert(!Array.from(Deno.readDirSync(folder)).some(({ name }) => name === "near"));
  await Deno.remove(folder, { recursive: true });
});
