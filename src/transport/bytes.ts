/**
 * Reads exact numbers of bytes from a byte stream. Small reads go through a read-ahead buffer,
 * large ones directly into their target. Memory grows with the bytes received, never with a length
 * that a peer claims.
 */
import { checksum } from "./frame.ts";

/** A bidirectional byte stream, such as a Unix socket. */
export interface Duplex {
  /** Reads some bytes into `p`; null at the end of the stream. */
  read(p: Uint8Array): Promise<number | null>;
  /** Writes some bytes of `p`; returns how many. */
  write(p: Uint8Array): Promise<number>;
  close(): void;
}

/** Accepts byte streams of unauthenticated peers. */
export interface Listener {
  /** The next stream; undefined once closed. Rejects if one could not be accepted: call again. */
  accept(): Promise<Duplex | undefined>;
  /** Stops listening; accepted streams stay open. Idempotent. */
  close(): void;
}

/** Initial buffer size, so that an idle peer costs little memory. */
const FIRST_BUFFER = 512;
/** Initial size of a payload's buffer if the receiver provides none; it grows with the data. */
const FIRST_PAYLOAD = 2 ** 20;

/** Bytes and their CRC-32. */
export interface Checked {
  readonly bytes: Uint8Array;
  readonly crc: number;
}

/** Reads ahead, up to a capacity, into a buffer that grows when full. */
export class ByteReader {
  #source: Duplex;
  #capacity: number;
  #buffer = new Uint8Array(FIRST_BUFFER);
  #start = 0;
  #end = 0;

  constructor(source: Duplex, capacity: number) {
    this.#source = source;
    this.#capacity = capacity;
  }

  /** Buffers at least `count` bytes (at most the capacity); returns fewer only at end of stream. */
  async fill(count: number): Promise<number> {
    while (this.#end - this.#start < count) {
      this.#makeRoom(count);
      const n = await this.#source.read(this.#buffer.subarray(this.#end));
      if (n === null) break;
      this.#end += n;
    }
    return this.#end - this.#start;
  }

  /** The next `count` buffered bytes, as a view that is valid until the next call. */
  peek(count: number): Uint8Array {
    return this.#buffer.subarray(this.#start, this.#start + count);
  }

  /** Discards `count` buffered bytes. */
  consume(count: number): void {
    this.#start += count;
    if (this.#start === this.#end) this.#start = this.#end = 0;
  }

  /** Fills `target`; its CRC-32, continued from `crc`, or undefined if the stream ends early. */
  async readInto(target: Uint8Array, crc = 0): Promise<number | undefined> {
    const ahead = this.peek(Math.min(target.length, this.#end - this.#start));
    target.set(ahead);
    let at = ahead.length;
    let sum = checksum(ahead, crc);
    this.consume(at);
    while (at < target.length) {
      const n = await this.#source.read(target.subarray(at));
      if (n === null) return undefined;
      sum = checksum(target.subarray(at, at + n), sum); // while these bytes are in cache
      at += n;
    }
    return sum;
  }

  /** Reads `count` bytes into a growing buffer; undefined if the stream ends early. */
  async readNew(count: number): Promise<Checked | undefined> {
    let buffer = new ArrayBuffer(Math.min(count, FIRST_PAYLOAD));
    let at = 0;
    let crc = 0;
    while (true) {
      const sum = await this.readInto(new Uint8Array(buffer, at), crc);
      if (sum === undefined) return undefined;
      crc = sum;
      at = buffer.byteLength;
      if (at === count) return { bytes: new Uint8Array(buffer), crc };
      buffer = buffer.transfer(Math.min(count, 2 * at));
    }
  }

  /** Skips `count` bytes, also beyond the capacity; false if the stream ends early. */
  async skip(count: number): Promise<boolean> {
    let left = count;
    while (left > 0) {
      const n = Math.min(left, await this.fill(1));
      if (n === 0) return false;
      this.consume(n);
      left -= n;
    }
    return true;
  }

  /**
   * Makes room for at least one more byte, by moving the data to the front or growing the buffer.
   */
  #makeRoom(count: number): void {
    if (this.#end === this.#buffer.length && this.#start === 0) {
      const grown = new Uint8Array(Math.min(2 * this.#buffer.length, this.#capacity));
      grown.set(this.#buffer);
      this.#buffer = grown;
    } else if (this.#start + count > this.#buffer.length) {
      this.#buffer.copyWithin(0, this.#start, this.#end);
      this.#end -= this.#start;
      this.#start = 0;
    }
  }
}
