/**
 * What a channel is: an ordered, fenced conversation of frames between two ends, and its contract in
 * words. tests/contracts/channel.ts is the same contract as tests. Knows no socket and no encoding.
 */

/** What a frame's header may hold: JSON's values and bytes. */
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
  /** The attempt that it was sent in: who waited for it may have moved on by the time it has it. */
  attempt: number;
}

/**
 * Gives the buffer for a payload of exactly `bytes` bytes (never asked for 0 bytes), or undefined to
 * have one allocated, which grows as the bytes come. The header is already verified. Throwing refuses the frame and closes.
 */
export type PayloadTarget = (header: Header, bytes: number) => Uint8Array | undefined;

/** One end of a conversation. */
export interface Channel {
  /**
   * Sends one frame. Frames arrive in the order of the calls; concurrent calls queue up. Once it has
   * resolved the caller may change the payload; that says nothing of whether the peer has read it.
   * A send may wait until the peer receives, so two ends that exchange much must also receive
   * meanwhile. Rejects with ChannelError when closed or broken; with TypeError for a header and with
   * RangeError for a size that no peer would accept (then nothing was sent and all stays well).
   */
  send(header: Header, payload?: Uint8Array): Promise<void>;
  /**
   * The next frame, undefined at the orderly end of the stream and after `close`. Concurrent calls
   * are served in order. Rejects with ChannelError, and closes, when the peer broke a rule or died
   * inside a frame; further calls then reject in the same way.
   */
  receive(place?: PayloadTarget): Promise<Frame | undefined>;
  /** Ends the conversation at once, both ways. Pending calls end. May be called again. */
  close(): void;
}

/** A channel whose frames carry an attempt number, so that one of the past cannot speak. */
export interface FencedChannel extends Channel {
  /**
   * The attempt of frames sent and accepted from now on. Frames of any other attempt are dropped, so
   * both ends must have moved on before either speaks.
   */
  attempt: number;
  /** How many frames of another attempt were dropped. */
  readonly stale: number;
  /**
   * Largest payload accepted from now on, in bytes: what the owner expects at this moment of the
   * conversation. A frame that claims more breaks a rule. What is sent has the limit of the options.
   */
  maxPayload: number;
}

/** What every transport is told. */
export interface ChannelOptions {
  /** Attempt number, u32; "first" takes that of the first frame that comes. */
  readonly attempt: number | "first";
  /** Largest payload sent, and accepted at first, in bytes; 4 GiB unless told. */
  readonly maxPayload?: number;
}

/** A conversation that cannot go on: the peer is gone, or does not keep to the protocol. */
export class ChannelError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "ChannelError";
  }
}
