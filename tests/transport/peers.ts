/** In-memory listeners, and ways for peers to connect. */
import type { Duplex, Listener } from "../../src/transport/bytes.ts";
import type { FencedChannel } from "../../src/transport/channel.ts";
import { greet, type Hello } from "../../src/transport/handshake.ts";
import { pipePair } from "../../src/transport/memory.ts";
import { streamChannel } from "../../src/transport/stream.ts";

/** The run's token of these tests, and one of another run. */
export const TOKEN = new Uint8Array(32).map((_, i) => i * 7);
export const OTHER = TOKEN.with(31, 0);
export const HELLO = { rank: 3, attempt: 5 };

/** A listener in memory. */
export interface Door extends Listener {
  dial(): Duplex;
  /** The next `accept` rejects. */
  fail(): void;
}

export function door(): Door {
  const waiting: (Duplex | Error)[] = [];
  let isClosed = false;
  let changed = Promise.withResolvers<void>();
  const wake = () => {
    changed.resolve();
    changed = Promise.withResolvers();
  };
  return {
    async accept() {
      while (waiting.length === 0 && !isClosed) await changed.promise;
      const next = isClosed ? undefined : waiting.shift();
      if (next instanceof Error) throw next;
      return next;
    },
    close() {
      isClosed = true;
      for (const left of waiting.splice(0)) if (!(left instanceof Error)) left.close();
      wake();
    },
    dial() {
      const [near, far] = pipePair();
      waiting.push(far);
      wake();
      return near;
    },
    fail() {
      waiting.push(new Error("No descriptor is left"));
      wake();
    },
  };
}

/** Authenticates over a stream. */
export async function enter(
  stream: Duplex,
  hello: Hello = HELLO,
  token: Uint8Array = TOKEN,
): Promise<FencedChannel> {
  const channel = streamChannel(stream, { attempt: hello.attempt });
  await greet(channel, hello, { token });
  return channel;
}

/** Reads until the other end closes; returns the number of bytes. */
export async function untilClosed(stream: Duplex): Promise<number> {
  const p = new Uint8Array(4096);
  let total = 0;
  try {
    for (let n = await stream.read(p); n !== null; n = await stream.read(p)) total += n;
  } catch {
    // A reset is an end as well.
  }
  return total;
}
