/**
 * Exact amounts of bytes from and to a duplex that moves what it likes. Small pieces are read ahead
 * into one buffer that is kept; large ones go straight to where they belong. Knows no frames.
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

/** Writes all bytes. */
export async function writeAll(sink: Duplex, bytes: Uint8Array): Promise<void> {
  let at = 0;
  while (at < bytes.length) at += await sink.write(bytes.subarray(at));
}

/** Reads ahead, up to a fixed number of bytes. */
export class ByteReader {
  #source: Duplex;
  #buffer: Uint8Array;
  #start = 0;
  #end = 0;

  constructor(source: Duplex, capacity: number) {
    this.#source = source;
    this.#buffer = new Uint8Array(capacity);
  }

  /** Buffers at least `count` bytes (at most the capacity); returns fewer only at the end. */
  async fill(count: number): Promise<number> {
    if (this.#start + count > this.#buffer.length) {
      this.#buffer.copyWithin(0, this.#start, this.#end);
      this.#end -= this.#start;
      this.#start = 0;
    }
    while (this.#end - this.#start < count) {
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

  /** Fills `target` and gives the CRC-32 of it, or undefined when the stream ends before. */
  async readInto(target: Uint8Array): Promise<number | undefined> {
    const ahead = this.peek(Math.min(target.length, this.#end - this.#start));
    target.set(ahead);
    let at = ahead.length;
    let crc = checksum(ahead);
    this.consume(at);
    while (at < target.length) {
      const n = await this.#source.read(target.subarray(at));
      if (n === null) return undefined;
      crc = checksum(target.subarray(at, at + n), crc); // while these bytes are in the cache
      at += n;
    }
    return crc;
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
}
