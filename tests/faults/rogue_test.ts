/**
 * Unauthenticated peers of a run, and what its processes expose to the machine. No peer is admitted
 * without the run's token, workers are admitted meanwhile, and the cost of others is bounded.
 */
import { assert, assertEquals, assertLess, assertRejects } from "@std/assert";
import { type Channel, ChannelError, type FencedChannel } from "../../src/transport/channel.ts";
import { openGate } from "../../src/transport/gate.ts";
import { greet } from "../../src/transport/handshake.ts";
import { bindUnix, dialUnix } from "../../src/transport/unix.ts";
import { enter, HELLO, OTHER, TOKEN, untilClosed } from "../transport/peers.ts";
import { frameBytes, rawFrame, soon, until } from "../transport/wire.ts";
import { descriptors } from "./support/proc.ts";
import { openProxy } from "./support/proxy.ts";

/** Milliseconds in which a worker is admitted, whatever other peers do. */
const HONEST = 1000;

/** A gate on a Unix socket, and all connections to it, closed at the end. */
class Door implements AsyncDisposable {
  readonly folder = Deno.makeTempDirSync({ prefix: "shoal-rogue-" });
  readonly path = `${this.folder}/c.sock`;
  readonly inside: FencedChannel[] = [];
  #open: { close(): void }[] = [];
  #deadline: number;

  constructor(deadline = 60_000) {
    this.#deadline = deadline;
  }

  async open() {
    const gate = openGate(await bindUnix(this.path), {
      token: TOKEN,
      deadline: this.#deadline,
      admitted: (channel) => this.inside.push(channel),
    });
    this.#open.push(gate);
    return gate;
  }

  /** A raw connection to the gate. */
  async dial(): Promise<Deno.UnixConn> {
    const connection = await Deno.connect({ transport: "unix", path: this.path });
    this.#open.push(connection);
    return connection;
  }

  /** A worker; it must be admitted soon. */
  async admitHonest(): Promise<number> {
    const start = performance.now();
    const before = this.inside.length;
    (await soon(enter(await this.dial()))).close();
    await until(() => this.inside.length > before);
    const ms = performance.now() - start;
    assertLess(ms, HONEST);
    return ms;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const one of [...this.inside, ...this.#open]) {
      try {
        one.close();
      } catch {
        // A channel has closed its connection.
      }
    }
    await Deno.remove(this.folder, { recursive: true });
  }
}

/** First bytes of unauthenticated peers. */
const WORDS: Readonly<Record<string, Uint8Array>> = {
  "a request of HTTP": new TextEncoder().encode(
    "POST /submit HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n",
  ),
  "a claim of 4 GiB": frameBytes({ type: "hello" }, { claim: 2 ** 32 }),
  "an order of a coordinator": frameBytes({ type: "step", step: 0 }),
  "an answer without a question": frameBytes({ type: "answer", proof: new Uint8Array(32) }),
  "no header": rawFrame(new Uint8Array(0)),
  "a hello without end": frameBytes({ type: "hello", pad: "x".repeat(60_000) }),
};

for (const [what, bytes] of Object.entries(WORDS)) {
  Deno.test(`a stranger with ${what} is closed, and nobody else`, async () => {
    await using door = new Door();
    const gate = await door.open();
    const waiting = await door.dial(); // an honest peer that is slow to speak
    const stranger = await door.dial();
    stranger.write(bytes).catch(() => {});
    await soon(untilClosed(stranger));
    await door.admitHonest();
    (await soon(enter(waiting))).close();
    await until(() => gate.counts.admitted === 2);
    assertEquals(gate.counts, { admitted: 2, refused: 1 });
  });
}

Deno.test("the token of another run opens no door, and is told so", async () => {
  await using door = new Door();
  const gate = await door.open();
  for (let i = 0; i < 20; i++) {
    const channel = await dialUnix(door.path, { attempt: HELLO.attempt });
    const greeted = () => greet(channel, HELLO, { token: OTHER });
    await soon(assertRejects(greeted, ChannelError, "the listener has another"));
  }
  await door.admitHonest();
  assertEquals(gate.counts, { admitted: 1, refused: 20 });
});

Deno.test("a recorded handshake, said again byte for byte, opens no door", async () => {
  await using door = new Door();
  const gate = await door.open();
  const recorded: Uint8Array[] = [];
  const proxy = openProxy({ listen: `${door.folder}/p.sock`, dial: door.path });
  const honest = await dialUnix(`${door.folder}/p.sock`, { attempt: HELLO.attempt });
  const tapped: Channel = {
    send(header, payload) {
      const parts = { sequence: recorded.length, attempt: HELLO.attempt };
      recorded.push(frameBytes(header, parts));
      return honest.send(header, payload);
    },
    receive: (place) => honest.receive(place),
    close: () => honest.close(),
  };
  await soon(greet(tapped, HELLO, { token: TOKEN }));
  honest.close();
  await until(() => gate.counts.admitted === 1);
  assertEquals(recorded.length, 2);
  for (let round = 0; round < 5; round++) {
    const stranger = await door.dial();
    for (const bytes of recorded) await stranger.write(bytes);
    await soon(untilClosed(stranger));
  }
  await until(() => gate.counts.refused === 5);
  await proxy.close();
  assertEquals(gate.counts, { admitted: 1, refused: 5 });
});

Deno.test("500 idle connections keep no honest worker out, and cost little", async () => {
  await using door = new Door();
  const gate = await door.open();
  await door.admitHonest();
  const before = { files: descriptors(Deno.pid), memory: Deno.memoryUsage() };
  for (let i = 0; i < 500; i++) await door.dial();
  await until(() => gate.counts.refused >= 500 - 64);
  await door.admitHonest();
  assertLess(gate.pending, 65);
  // This process has the peers' descriptors too.
  assertLess(descriptors(Deno.pid) - before.files, 500 + 64 + 10);
  const { external, rss } = Deno.memoryUsage();
  assertLess(external - before.memory.external, 2 ** 20);
  assertLess(rss - before.memory.rss, 50 * 2 ** 20);
  assertEquals(gate.counts.admitted, 2);
});

Deno.test("peers that dribble their hello are closed at the deadline", async () => {
  await using door = new Door(500);
  const gate = await door.open();
  const hello = frameBytes({ type: "hello", version: 1, pad: "x".repeat(700) });
  const start = performance.now();
  const dribble = async () => {
    const stranger = await door.dial();
    const end = untilClosed(stranger);
    let isOver = false;
    end.then(() => isOver = true);
    for (let at = 0; !isOver && at < hello.length; at++) {
      await stranger.write(hello.subarray(at, at + 1)).catch(() => {});
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    await end;
  };
  const dribbling = Promise.all(Array.from({ length: 40 }, dribble));
  await until(() => gate.pending === 40);
  await door.admitHonest();
  await soon(dribbling);
  assertLess(performance.now() - start, 3000);
  await until(() => gate.counts.refused === 40);
  assertEquals([gate.pending, gate.counts.admitted], [0, 1]);
});

Deno.test("a flood of strangers does not stop honest workers", async () => {
  await using door = new Door();
  const gate = await door.open();
  let isOver = false;
  let strangers = 0;
  const flood = async () => {
    for (let i = 0; !isOver; i = (i + 1) % Object.keys(WORDS).length) {
      const stranger = await Deno.connect({ transport: "unix", path: door.path });
      const end = untilClosed(stranger);
      await stranger.write(Object.values(WORDS)[i] as Uint8Array).catch(() => {});
      await end;
      stranger.close();
      strangers++;
    }
  };
  const flooding = Promise.all(Array.from({ length: 8 }, flood));
  for (let i = 0; i < 10; i++) await door.admitHonest();
  isOver = true;
  await soon(flooding);
  assert(strangers > 20, `${strangers} strangers`);
  await until(() => gate.counts.refused === strangers);
  assertEquals(gate.counts.admitted, 10);
});
