/**
 * Two channel ends in one process, for tests and for a world in one process. The bytes take the same
 * way through frames as on a socket, over two pipes that hold little: senders wait for receivers.
 */
import type { Duplex } from "./bytes.ts";
import type { ChannelOptions, FencedChannel } from "./channel.ts";
import { streamChannel } from "./stream.ts";

/** Bytes that a pipe holds before its writer must wait, about what a Unix socket does. */
const CAPACITY = 256 * 1024;

/** Two ends of one conversation. Payloads are copied. */
export function memoryPair(options: ChannelOptions): [FencedChannel, FencedChannel] {
  const [a, b] = pipePair();
  return [streamChannel(a, options), streamChannel(b, options)];
}

/** A byte stream that can say its last byte and go on listening. */
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

/** A ring of bytes in one direction. */
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

  /** The writer is gone: what is in the pipe can still be read. */
  end(): void {
    this.#isEnded = true;
    this.#signal();
  }

  /** The reader is gone: nothing in the pipe will be read. */
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
