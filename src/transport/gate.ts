/**
 * Authenticates the peers that connect to a listener, concurrently, and admits those that hold the
 * run's token. An unauthenticated peer costs a descriptor and a kilobyte for a few seconds.
 */
import type { Duplex, Listener } from "./bytes.ts";
import { ChannelError, type FencedChannel } from "./channel.ts";
import { admit, type HandshakeOptions, type Hello } from "./handshake.ts";
import { streamChannel } from "./stream.ts";

/** Most bytes read from a peer before it is authenticated. */
export const UNAUTHENTICATED_BYTES = 1024;
/** Default limit of pending handshakes. */
const MAX_PENDING = 64;
/** Milliseconds between attempts to accept after one failed. */
const PAUSE = 20;

/** Options of a gate. */
export interface GateOptions extends HandshakeOptions {
  /** Most pending handshakes; one more closes the oldest. */
  readonly maxPending?: number;
  /** Largest payload of an admitted channel, in bytes. Default 4 GiB. */
  readonly maxPayload?: number;
  /** Called with an authenticated peer; the channel has the attempt of its hello. */
  readonly admitted: (channel: FencedChannel, hello: Hello) => void;
}

/** An open gate. */
export interface Gate {
  /** Peers admitted and refused so far. */
  readonly counts: { readonly admitted: number; readonly refused: number };
  /** Pending handshakes. */
  readonly pending: number;
  /** Closes the listener and pending handshakes; admitted channels stay open. Idempotent. */
  close(): void;
}

/** Opens a gate on a listener, and takes ownership of it. */
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
        // Out of descriptors, or the peer is gone: free a pending one.
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
    const limited = new LimitedDuplex(duplex);
    const channel = streamChannel(limited, {
      attempt: "first",
      ...(maxPayload !== undefined && { maxPayload }),
    });
    this.#pending.add(channel);
    const hello = await this.#authenticate(channel);
    this.#pending.delete(channel);
    if (hello === undefined || this.#isClosed) {
      this.counts.refused++;
      return channel.close();
    }
    limited.lift();
    this.counts.admitted++;
    admitted(channel, hello);
  }

  /** The hello of an authenticated peer; undefined, with the channel closed, otherwise. */
  async #authenticate(channel: FencedChannel): Promise<Hello | undefined> {
    const judge = (hello: Hello): string | undefined => {
      if (hello.attempt === channel.attempt) return this.#options.judge?.(hello);
      return `needs frames of attempt ${hello.attempt}, as its hello says: got ${channel.attempt}`;
    };
    try {
      return await admit(channel, { ...this.#options, judge });
    } catch {
      return undefined; // The channel is closed; a failed handshake affects no other peer.
    }
  }

  #closeOldest(): void {
    const [oldest] = this.#pending;
    if (oldest === undefined) return;
    this.#pending.delete(oldest); // Its handshake ends when the stream closes.
    oldest.close();
  }
}

/** A stream with a limited number of readable bytes until its peer is authenticated. */
class LimitedDuplex implements Duplex {
  #stream: Duplex;
  #left = UNAUTHENTICATED_BYTES;

  constructor(stream: Duplex) {
    this.#stream = stream;
  }

  async read(p: Uint8Array): Promise<number | null> {
    if (this.#left === 0) {
      throw new ChannelError(
        `Cannot shake hands: needs a proof within ${UNAUTHENTICATED_BYTES} B: got none`,
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

  /** Lifts the limit. */
  lift(): void {
    this.#left = Infinity;
  }
}
