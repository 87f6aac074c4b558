/**
 * Exact amounts of bytes from and to a duplex that moves what it likes. Small pieces are read ahead
 * into one buffer that is kept; large ones go straight to where they belong. Memory follows the bytes
 * that came, never a number that a peer claims. Knows no frames.
 */
import { checksum } from "./frame.ts";

/** A pair of byte streams, as a Unix socket is one. */
export interface Duplex {
  /** Reads some bytes into `p`; null at the end of the stream. */
  read(p: Uint8Array): Promise<number | null>;
  /** Writes some bytes of `p` and says how many. */
  write(p: Uint8Array): Promise<number>;
  close(): void;
}

/** Where byte streams of unknown peers arrive. */
export interface Listener {
  /** The next stream; undefined once closed. Rejects when one could not be taken: ask again. */
  accept(): Promise<Duplex | undefined>;
  /** Stops listening; accepted streams live on. May be called again. */
  close(): void;
}

/** Bytes of a reader's first buffer, so that a peer that says nothing costs little. */
const FIRST_BUFFER = 512;
/** Bytes that a payload without a place starts with; it grows as they come. */
const FIRST_PAYLOAD = 2 ** 20;

/** Bytes, and the CRC-32 of them. */
export interface Checked {
  readonly bytes: Uint8Array;
  readonly crc: number;
}

/** Reads ahead, up to a fixed number of bytes, into a buffer that grows when it was filled. */
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

  /** Buffers at least `count` bytes (at most the capacity); returns fewer only at the end. */
  async fill(count: number): Promise<number> {
    while (this.#end - this.#start < count) {
      this.#makeRoom(count);
      const n = await this.#source.read(this.#buffer.subarray(this.#end));
      if (n === null) break;
      this.#end += n;
    }
    return this.#end - this.#start;
  }

  /** The next `count` buffered bytes, as a view that holds until the next call. */
  peek(count: number): Uint8Array {
    return this.#buffer.subarray(this.#start, this.#start + count);
  }

  /** Moves past `count` buffered bytes. */
  consume(count: number): void {
    this.#start += count;
    if (this.#start === this.#end) this.#start = this.#end = 0;
  }

  /** Fills `target` and gives the CRC-32 of it, going on from `crc`; undefined at an early end. */
  async readInto(target: Uint8Array, crc = 0): Promise<number | undefined> {
    const ahead = this.peek(Math.min(target.length, this.#end - this.#start));
    target.set(ahead);
    let at = ahead.length;
    let sum = checksum(ahead, crc);
    this.consume(at);
    while (at < target.length) {
      const n = await this.#source.read(target.subarray(at));
      if (n === null) return undefined;
      sum = checksum(target.subarray(at, at + n), sum); // while these bytes are in the cache
      at += n;
    }
    return sum;
  }

  /** `count` bytes in memory that grows as they come; undefined when the stream ends before. */
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

  /** Moves past `count` bytes of any number; false when the stream ends before. */
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

  /** Lets at least one byte more be read: by moving what is left to the front, or by growing. */
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
