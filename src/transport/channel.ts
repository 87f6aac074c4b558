/**
 * The contract of a channel: an ordered, fenced stream of frames between two ends.
 * tests/contracts/channel.ts tests it for every transport.
 */

/** A value in a frame's header: JSON values and bytes. */
export type HeaderValue =
  | null
  | boolean
  | number
  | string
  | Uint8Array
  | readonly HeaderValue[]
  | { readonly [key: string]: HeaderValue };

/** The small part of a frame: at most 64 KiB once encoded. */
export interface Header {
  readonly type: string;
  readonly [key: string]: HeaderValue;
}

/** One message: a header and raw bytes (empty when there are none). */
export interface Frame {
  header: Header;
  payload: Uint8Array;
  /** The attempt (fencing token) it was sent in; the receiver's may have advanced meanwhile. */
  attempt: number;
}

/**
 * Provides the buffer for a payload of exactly `bytes` bytes, or undefined to have one allocated.
 * Called after the header was verified, and not for empty payloads. Throwing rejects the frame and
 * closes the channel.
 */
export type PayloadTarget = (header: Header, bytes: number) => Uint8Array | undefined;

/** One end of a channel. */
export interface Channel {
  /**
   * Sends one frame. Frames arrive in call order; concurrent calls are queued. After it resolves,
   * the caller may change the payload; the peer need not have read it. Back-pressure: a send may
   * wait until the peer receives, so two ends that exchange large payloads must also receive
   * meanwhile. Rejects with ChannelError if closed or broken. Rejects with TypeError for an invalid
   * header and RangeError for a size over the limit; then nothing was sent and the channel stays
   * usable.
   */
  send(header: Header, payload?: Uint8Array): Promise<void>;
  /**
   * The next frame; undefined at a regular end of stream and after `close`. Concurrent calls are
   * served in order. Rejects with ChannelError, and closes, if the peer violated the protocol or
   * the stream ended within a frame; later calls reject in the same way.
   */
  receive(place?: PayloadTarget): Promise<Frame | undefined>;
  /** Closes both directions at once. Pending calls end. Idempotent. */
  close(): void;
}

/** A channel whose frames carry an attempt number, a fencing token against stale senders. */
export interface FencedChannel extends Channel {
  /**
   * The attempt of frames sent and accepted from now on. Frames of any other attempt are dropped,
   * so both ends must set a new attempt before either sends.
   */
  attempt: number;
  /** Number of dropped frames of other attempts. */
  readonly stale: number;
  /**
   * Largest payload accepted from now on, in bytes. A frame that claims more violates the protocol.
   * Sent payloads keep the limit of the options.
   */
  maxPayload: number;
}

/** Options of every transport. */
export interface ChannelOptions {
  /** Attempt number, u32; "first" adopts that of the first received frame. */
  readonly attempt: number | "first";
  /** Largest payload sent, and initially accepted, in bytes. Default 4 GiB. */
  readonly maxPayload?: number;
}

/** A broken channel: the peer is gone or violates the protocol. */
export class ChannelError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "ChannelError";
  }
}
