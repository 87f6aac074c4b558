/**
 * A channel over a byte stream: framing, checksums, fencing, ordering.
 */
import { writeAll } from "../base/files/write_all.ts";
import { ByteReader, type Checked, type Duplex } from "./bytes.ts";
import {
  ChannelError,
  type ChannelOptions,
  type FencedChannel,
  type Frame,
  type Header,
  type PayloadTarget,
} from "./channel.ts";
import { decodeHeader, encodeHeader } from "./codec.ts";
import {
  checksum,
  decodePrefix,
  encodePrefix,
  headBytes,
  MAX_HEADER,
  MAX_PAYLOAD,
  nextSequence,
  type Prefix,
  PREFIX_BYTES,
} from "./frame.ts";
import { serialQueue } from "./serial_queue.ts";

/** Payloads up to this size are copied behind their header, to save a write call. */
const SMALL_PAYLOAD = 16 * 1024;
const NOTHING = new Uint8Array(0);

/** A channel over `duplex`; takes ownership of it. */
export function streamChannel(duplex: Duplex, options: ChannelOptions): FencedChannel {
  return new StreamChannel(duplex, options);
}

class StreamChannel implements FencedChannel {
  attempt: number;
  maxPayload: number;
  #adopts: boolean;
  #stale = 0;
  #duplex: Duplex;
  #maxSent: number;
  #reader: ByteReader;
  #scratch = NOTHING;
  #sequenceOut = 0;
  #sequenceIn = 0;
  #isClosed = false;
  #fault: ChannelError | undefined;
  #sendQueue = serialQueue();
  #receiveQueue = serialQueue();

  constructor(duplex: Duplex, { attempt, maxPayload = MAX_PAYLOAD }: ChannelOptions) {
    this.attempt = attempt === "first" ? 0 : attempt;
    this.#adopts = attempt === "first";
    this.maxPayload = maxPayload;
    this.#duplex = duplex;
    this.#maxSent = maxPayload;
    this.#reader = new ByteReader(duplex, headBytes(MAX_HEADER));
  }

  get stale(): number {
    return this.#stale;
  }

  async send(header: Header, payload: Uint8Array = NOTHING): Promise<void> {
    const encoded = encodeHeader(header);
    if (payload.length > this.#maxSent) {
      throw new RangeError(
        `Cannot send "${header.type}": needs a payload of at most ${this.#maxSent} B: ` +
          `got ${payload.length}`,
      );
    }
    const attempt = this.attempt; // at the time of the call, not when the queue reaches it
    await this.#sendQueue(async () => {
      this.#refuseWhenOver(header);
      try {
        await this.#write(encoded, payload, attempt);
      } catch (error) {
        this.#refuseWhenOver(header);
        throw this.#fail(`Cannot send "${header.type}": needs a peer that reads`, error);
      }
    });
  }

  receive(place?: PayloadTarget): Promise<Frame | undefined> {
    return this.#receiveQueue(async () => {
      if (this.#fault) throw this.#fault;
      try {
        while (!this.#isClosed) {
          const prefix = await this.#readPrefix();
          if (prefix === undefined) return undefined;
          if (this.#adopts) this.attempt = prefix.attempt;
          this.#adopts = false;
          if (prefix.attempt === this.attempt) return await this.#readRest(prefix, place);
          this.#stale++;
          const rest = headBytes(prefix.headerLength) + prefix.payloadLength;
          if (!await this.#reader.skip(rest)) throw diedInside();
        }
      } catch (error) {
        if (!this.#isClosed) throw this.#fail("Cannot receive: needs a sound stream", error);
      }
      if (this.#fault) throw this.#fault;
      return undefined;
    });
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#duplex.close();
  }

  async #write(encoded: Uint8Array, payload: Uint8Array, attempt: number): Promise<void> {
    const isSmall = payload.length <= SMALL_PAYLOAD;
    const needed = headBytes(encoded.length) + (isSmall ? payload.length : 0);
    if (this.#scratch.length < needed) this.#scratch = new Uint8Array(2 * needed);
    const head = encodePrefix(this.#scratch, {
      payloadLength: payload.length,
      attempt,
      sequence: this.#sequenceOut,
      payloadCrc: checksum(payload),
    }, encoded);
    this.#sequenceOut = nextSequence(this.#sequenceOut);
    if (isSmall) {
      this.#scratch.set(payload, head.length);
      return await writeAll(this.#duplex, this.#scratch.subarray(0, needed));
    }
    await writeAll(this.#duplex, head);
    await writeAll(this.#duplex, payload);
  }

  /** The next prefix; undefined if the stream ends before it. */
  async #readPrefix(): Promise<Prefix | undefined> {
    const there = await this.#reader.fill(PREFIX_BYTES);
    if (there === 0) return undefined;
    if (there < PREFIX_BYTES) throw diedInside();
    const prefix = decodePrefix(this.#reader.peek(PREFIX_BYTES), this.maxPayload);
    if (prefix.sequence !== this.#sequenceIn) {
      throw new ChannelError(
        `Cannot read a frame: needs sequence ${this.#sequenceIn}: got ${prefix.sequence}`,
      );
    }
    this.#sequenceIn = nextSequence(this.#sequenceIn);
    return prefix;
  }

  async #readRest(prefix: Prefix, place: PayloadTarget | undefined): Promise<Frame> {
    const headLength = headBytes(prefix.headerLength);
    if (await this.#reader.fill(headLength) < headLength) throw diedInside();
    const head = this.#reader.peek(headLength).subarray(PREFIX_BYTES);
    if (checksum(head) !== prefix.headerCrc) throw damaged("header");
    const header = decodeHeader(head.subarray(0, prefix.headerLength));
    this.#reader.consume(headLength);
    if (prefix.payloadLength === 0) return { header, payload: NOTHING, attempt: prefix.attempt };
    const placed = placedBy(place, { header, bytes: prefix.payloadLength });
    const read = await this.#readPayload(prefix.payloadLength, placed);
    if (read === undefined) throw diedInside();
    if (read.crc !== prefix.payloadCrc) throw damaged("payload");
    return { header, payload: read.bytes, attempt: prefix.attempt };
  }

  async #readPayload(count: number, placed: Uint8Array | undefined): Promise<Checked | undefined> {
    if (placed === undefined) return await this.#reader.readNew(count);
    const crc = await this.#reader.readInto(placed);
    return crc === undefined ? undefined : { bytes: placed, crc };
  }

  #refuseWhenOver(header: Header): void {
    if (this.#fault) throw this.#fault;
    if (this.#isClosed) {
      throw new ChannelError(`Cannot send "${header.type}": needs an open channel: it is closed`);
    }
  }

  /** Closes the channel; every later call fails with the same error. */
  #fail(what: string, error: unknown): ChannelError {
    const reason = error instanceof Error ? error.message : String(error);
    this.#fault = error instanceof ChannelError
      ? error
      : new ChannelError(`${what}: ${reason}`, { cause: error });
    this.close();
    return this.#fault;
  }
}

function placedBy(
  place: PayloadTarget | undefined,
  { header, bytes }: { header: Header; bytes: number },
): Uint8Array | undefined {
  const placed = place?.(header, bytes);
  if (placed !== undefined && placed.length !== bytes) {
    throw new ChannelError(
      `Cannot receive "${header.type}": needs a buffer of ${bytes} B: got ${placed.length}`,
    );
  }
  return placed;
}

function diedInside(): ChannelError {
  return new ChannelError("Cannot read a frame: needs all of it: the stream ended inside");
}

function damaged(part: string): ChannelError {
  return new ChannelError(`Cannot read a frame: needs an intact ${part}: its CRC-32 differs`);
}
