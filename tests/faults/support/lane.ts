/**
 * One direction of a fault proxy: forwards bytes from a source to a sink, delayed, slowed,
 * changed or dropped, as controlled while it runs. Offsets count the bytes that
 * the source sent.
 */
import type { Duplex } from "../../../src/transport/bytes.ts";
import { writeAll } from "../../../src/base/files/write_all.ts";

/** A byte stream whose two directions end separately, as with a socket. */
export interface Line extends Duplex {
  closeWrite(): void | Promise<void>;
}

/** Bytes buffered before back-pressure, about as many as in a socket. */
const HELD = 256 * 1024;
/** Milliseconds per burst if the rate is limited. */
const QUANTUM = 20;

interface Piece {
  readonly bytes: Uint8Array;
  /** When it may be forwarded, in ms of `performance.now`. */
  readonly due: number;
}

/** A direction with its faults. */
export class Lane {
  /** Latency in milliseconds. */
  delay = 0;
  /** Bytes per second. */
  rate = Infinity;
  #source: Line;
  #sink: Line;
  #queue: Piece[] = [];
  #held = 0;
  #taken = 0;
  #given = 0;
  #holeUntil = 0;
  #flips = new Map<number, number>();
  #last = Infinity;
  #isSourceOver = false;
  #isCut = false;
  #changed = Promise.withResolvers<void>();

  constructor(source: Line, sink: Line) {
    this.#source = source;
    this.#sink = sink;
  }

  /** Bytes received from the source, and sent to the sink. */
  get bytes(): { readonly taken: number; readonly given: number } {
    return { taken: this.#taken, given: this.#given };
  }

  /** Flips bits of the byte at a future offset. */
  flip(offset: number, mask = 1): void {
    this.#flips.set(offset, mask);
  }

  /** Ends this direction regularly after `offset` bytes; later ones are dropped. */
  truncate(offset: number): void {
    this.#last = offset;
    if (this.#taken >= offset) this.end();
  }

  /** Inserts bytes after those received so far. */
  inject(bytes: Uint8Array): void {
    this.#push(bytes);
  }

  /** Pauses for this long, then forwards everything; without an end, drops everything. */
  blackhole(ms = Infinity): void {
    this.#holeUntil = performance.now() + ms;
    this.#wake();
  }

  /** Half-closes: the sink sees the end of the stream; the other direction stays open. */
  end(): void {
    this.#isSourceOver = true;
    this.#wake();
  }

  /** Ends at once. */
  cut(): void {
    this.#isCut = true;
    this.#wake();
  }

  /** Runs until the direction has ended. */
  async run(): Promise<void> {
    await Promise.all([this.#take(), this.#give()]);
  }

  async #take(): Promise<void> {
    const buffer = new Uint8Array(64 * 1024);
    while (!this.#isCut) {
      const n = await this.#source.read(buffer).catch(() => null);
      if (n === null) return this.end();
      const bytes = this.#damaged(buffer.slice(0, n));
      if (this.#holeUntil === Infinity || this.#isSourceOver) continue;
      this.#push(bytes);
      if (this.#taken >= this.#last) this.end();
      while (this.#held > HELD && !this.#isCut) await this.#changed.promise;
    }
  }

  async #give(): Promise<void> {
    while (!this.#isCut) {
      const [piece] = this.#queue;
      const now = performance.now();
      const wait = Math.max(piece?.due ?? 0, this.#holeUntil) - now;
      if (piece !== undefined && wait <= 0) await this.#write(piece);
      else if (piece === undefined && this.#isSourceOver && this.#holeUntil <= now) break;
      else await this.#sleep(piece === undefined && !this.#isSourceOver ? Infinity : wait);
    }
    try {
      await this.#sink.closeWrite();
    } catch {
      // It is closed entirely.
    }
  }

  async #write({ bytes, due }: Piece): Promise<void> {
    const most = Math.max(1, Math.floor(this.rate * QUANTUM / 1000));
    const part = bytes.subarray(0, most);
    this.#queue[0] = { bytes: bytes.subarray(part.length), due };
    if (part.length === bytes.length) this.#queue.shift();
    this.#held -= part.length;
    try {
      await writeAll(this.#sink, part);
      this.#given += part.length;
    } catch {
      return this.cut(); // nobody takes it any more
    }
    this.#wake();
    if (this.rate < Infinity) await this.#sleep(1000 * part.length / this.rate);
  }

  /** The bytes to forward: with flipped bits, and cut at the end. */
  #damaged(bytes: Uint8Array): Uint8Array {
    const start = this.#taken;
    this.#taken += bytes.length;
    for (const [offset, mask] of this.#flips) {
      const at = offset - start;
      if (at >= 0 && at < bytes.length) bytes[at] = (bytes[at] as number) ^ mask;
    }
    return bytes.subarray(0, Math.max(0, this.#last - start));
  }

  #push(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.#queue.push({ bytes, due: performance.now() + this.delay });
    this.#held += bytes.length;
    this.#wake();
  }

  /** Waits this long, or until something changes. */
  async #sleep(ms: number): Promise<void> {
    const timer = ms < Infinity ? setTimeout(() => this.#wake(), ms) : undefined;
    await this.#changed.promise;
    clearTimeout(timer);
  }

  #wake(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }
}
