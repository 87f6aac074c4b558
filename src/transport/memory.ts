/**
 * Channels within one process, for tests and single-process worlds. Frames are encoded as on a
 * socket and pass through two pipes of small capacity, so senders see back-pressure.
 */
import type { Duplex } from "./bytes.ts";
import type { ChannelOptions, FencedChannel } from "./channel.ts";
import { streamChannel } from "./stream.ts";

/** Capacity of a pipe in bytes, about that of a Unix socket. */
const CAPACITY = 256 * 1024;

/** Two ends of one channel. Payloads are copied. */
export function memoryPair(options: ChannelOptions): [FencedChannel, FencedChannel] {
  const [a, b] = pipePair();
  return [streamChannel(a, options), streamChannel(b, options)];
}

/** A byte stream that can close its write direction alone. */
export interface PipeEnd extends Duplex {
  closeWrite(): void;
}

/** Two ends of a byte stream. */
export function pipePair(): [PipeEnd, PipeEnd] {
  const there = new Pipe();
  const back = new Pipe();
  return [end(back, there), end(there, back)];
}

function end(incoming: Pipe, outgoing: Pipe): PipeEnd {
  return {
    read: (p) => incoming.read(p),
    write: (p) => outgoing.write(p),
    closeWrite: () => outgoing.end(),
    close: () => {
      incoming.abandon();
      outgoing.end();
    },
  };
}

/** A ring buffer of bytes in one direction. */
class Pipe {
  #ring = new Uint8Array(CAPACITY);
  #at = 0;
  #size = 0;
  #isEnded = false;
  #isAbandoned = false;
  #changed = Promise.withResolvers<void>();

  async read(target: Uint8Array): Promise<number | null> {
    while (this.#size === 0 && !this.#isEnded && !this.#isAbandoned) await this.#changed.promise;
    if (this.#size === 0) return null;
    const n = Math.min(target.length, this.#size, CAPACITY - this.#at);
    target.set(this.#ring.subarray(this.#at, this.#at + n));
    this.#at = (this.#at + n) % CAPACITY;
    this.#size -= n;
    this.#signal();
    return n;
  }

  async write(bytes: Uint8Array): Promise<number> {
    while (this.#size === CAPACITY && !this.#isEnded && !this.#isAbandoned) {
      await this.#changed.promise;
    }
    if (this.#isEnded || this.#isAbandoned) throw new Error("The pipe is closed");
    const from = (this.#at + this.#size) % CAPACITY;
    const n = Math.min(bytes.length, CAPACITY - this.#size, CAPACITY - from);
    this.#ring.set(bytes.subarray(0, n), from);
    this.#size += n;
    this.#signal();
    return n;
  }

  /** The writer has closed: buffered bytes can still be read. */
  end(): void {
    this.#isEnded = true;
    this.#signal();
  }

  /** The reader has closed: buffered bytes are discarded. */
  abandon(): void {
    this.#isAbandoned = true;
    this.#size = 0;
    this.#signal();
  }

  #signal(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers<void>();
  }
}
