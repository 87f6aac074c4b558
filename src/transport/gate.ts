/**
 * Takes whoever dials a listener, many at a time, and lets in those alone who prove that they hold
 * the run's token. A stranger costs a descriptor and a kilobyte for a few seconds, and disturbs
 * nobody. Knows no sockets, and nothing of what is said once a peer is in.
 */
import type { Duplex, Listener } from "./bytes.ts";
import { ChannelError, type FencedChannel } from "./channel.ts";
import { admit, type HandshakeOptions, type Hello } from "./handshake.ts";
import { streamChannel } from "./stream.ts";

/** Bytes that are read of a peer before its proof. */
export const UNPROVEN_BYTES = 1024;
/** Peers that may be on their way to a proof, unless told otherwise. */
const MAX_PENDING = 64;
/** Milliseconds until a listener is asked again after it could not take a peer. */
const PAUSE = 20;

/** Who is let in, and what happens then. */
export interface GateOptions extends HandshakeOptions {
  /** Most peers on their way to a proof; one more, and the oldest of them is closed. */
  readonly maxPending?: number;
  /** Largest payload of a channel, in bytes, once its peer is proven; 4 GiB unless told. */
  readonly maxPayload?: number;
  /** Takes over a proven peer; the channel is in the attempt that its hello names. */
  readonly admitted: (channel: FencedChannel, hello: Hello) => void;
}

/** A gate that is open until closed. */
export interface Gate {
  /** How many were let in, and how many were not. */
  readonly counts: { readonly admitted: number; readonly refused: number };
  /** How many are on their way to a proof. */
  readonly pending: number;
  /** Closes the listener and all who are on their way; who is in stays. May be called again. */
  close(): void;
}

/** Opens a gate on a listener, which is its own from now on. */
export function openGate(listener: Listener, options: GateOptions): Gate {
  const gate = new StreamGate(listener, options);
  gate.run();
  return gate;
}

class StreamGate implements Gate {
  readonly counts = { admitted: 0, refused: 0 };
  #listener: Listener;
  #options: GateOptions;
  #pending = new Set<FencedChannel>(); // oldest first
  #isClosed = false;

  constructor(listener: Listener, options: GateOptions) {
    this.#listener = listener;
    this.#options = options;
  }

  get pending(): number {
    return this.#pending.size;
  }

  async run(): Promise<void> {
    while (!this.#isClosed) {
      try {
        const duplex = await this.#listener.accept();
        if (duplex === undefined) return;
        this.#enter(duplex);
      } catch {
        // No descriptor is left, or the peer is gone already: who proves nothing makes room.
        this.#closeOldest();
        await new Promise((resolve) => setTimeout(resolve, PAUSE));
      }
    }
  }

  close(): void {
    this.#isClosed = true;
    this.#listener.close();
    for (const channel of this.#pending) channel.close();
  }

  async #enter(duplex: Duplex): Promise<void> {
    const { maxPending = MAX_PENDING, maxPayload, admitted } = this.#options;
    if (this.#isClosed) return duplex.close();
    if (this.#pending.size >= maxPending) this.#closeOldest();
    const probation = new Probation(duplex);
    const channel = streamChannel(probation, {
      attempt: "first",
      ...(maxPayload !== undefined && { maxPayload }),
    });
    this.#pending.add(channel);
    const hello = await this.#prove(channel);
    this.#pending.delete(channel);
    if (hello === undefined || this.#isClosed) {
      this.counts.refused++;
      return channel.close();
    }
    probation.end();
    this.counts.admitted++;
    admitted(channel, hello);
  }

  /** What a peer has proven; undefined, its channel closed, when it has not. */
  async #prove(channel: FencedChannel): Promise<Hello | undefined> {
    const judge = (hello: Hello): string | undefined => {
      if (hello.attempt === channel.attempt) return this.#options.judge?.(hello);
      return `needs frames of attempt ${hello.attempt}, as its hello says: got ${channel.attempt}`;
    };
    try {
      return await admit(channel, { ...this.#options, judge });
    } catch {
      return undefined; // Whatever a stranger did wrong, it is closed and no matter of others.
    }
  }

  #closeOldest(): void {
    const [oldest] = this.#pending;
    if (oldest === undefined) return;
    this.#pending.delete(oldest); // Its own call meets the end of its stream a little later.
    oldest.close();
  }
}

/** A stream that gives only so much, until its peer is proven. */
class Probation implements Duplex {
  #stream: Duplex;
  #left = UNPROVEN_BYTES;

  constructor(stream: Duplex) {
    this.#stream = stream;
  }

  async read(p: Uint8Array): Promise<number | null> {
    if (this.#left === 0) {
      throw new ChannelError(
        `Cannot shake hands: needs a proof within ${UNPROVEN_BYTES} B: got none`,
      );
    }
    const n = await this.#stream.read(p.subarray(0, this.#left));
    this.#left -= n ?? 0;
    return n;
  }

  write(p: Uint8Array): Promise<number> {
    return this.#stream.write(p);
  }

  close(): void {
    this.#stream.close();
  }

  /** From now on all is read. */
  end(): void {
    this.#left = Infinity;
  }
}
