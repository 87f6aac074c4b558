/**
 * Reads, writes and hashes the flat vectors of a replica.
 */
import { createHash } from "node:crypto";
import { bytesOf } from "../base/hash.ts";
import type { Memory, SlotSlice } from "../device/types.ts";
import { bucketSlot, vectorBuckets, vectorLength } from "../plan/layout.ts";
import type { Layout } from "../plan/layout.ts";

/** Elements per read: 64 MiB, which every adapter can map. */
const CHUNK = 16 * 1024 * 1024;

/** Vectors on a device. */
export class Vectors {
  readonly #memory: Memory;
  readonly #layout: Layout;
  readonly #chunk: number;
  readonly #versions = new Map<string, number>();

  constructor(memory: Memory, layout: Layout, { chunk = CHUNK }: { chunk?: number } = {}) {
    this.#memory = memory;
    this.#layout = layout;
    this.#chunk = chunk;
  }

  /** A vector: its buckets, concatenated, in `into` or else in a new array. */
  async read(vector: string, into?: Float32Array): Promise<Float32Array> {
    const flat = into ?? new Float32Array(vectorLength(this.#layout, vector));
    let at = 0;
    // Queue all reads before awaiting any, so that work queued later does not affect them.
    await Promise.all(
      this.#slices(vector).map((slice) => {
        const part = flat.subarray(at, at += slice.length);
        return this.#memory.read([slice], part);
      }),
    );
    return flat;
  }

  /** Number of writes to a vector by the host. */
  version(vector: string): number {
    return this.#versions.get(vector) ?? 0;
  }

  /** Replaces one bucket of a vector. */
  writeBucket(vector: string, bucket: number, data: Float32Array): void {
    this.#write(vector, { slot: bucketSlot(vector, bucket), offset: 0 }, data);
  }

  /** Replaces a vector. @throws {RangeError} unless `flat` has its length. */
  write(vector: string, flat: Float32Array): void {
    const needed = vectorLength(this.#layout, vector);
    if (flat.length !== needed) {
      throw new RangeError(`Cannot write ${vector}: needs ${needed} elements: ${flat.length}`);
    }
    let at = 0;
    for (const { bucket, length } of vectorBuckets(this.#layout, vector)) {
      this.writeBucket(vector, bucket, flat.subarray(at, at + length));
      at += length;
    }
  }

  /** Replaces elements of a vector from `at` on. @throws {RangeError} beyond its end. */
  writeFrom(vector: string, at: number, part: Float32Array): void {
    let done = 0;
    let start = 0;
    for (const { bucket, length } of vectorBuckets(this.#layout, vector)) {
      const offset = at + done - start;
      if (offset >= 0 && offset < length && done < part.length) {
        const count = Math.min(part.length - done, length - offset);
        const slot = bucketSlot(vector, bucket);
        this.#write(vector, { slot, offset }, part.subarray(done, done + count));
        done += count;
      }
      start += length;
    }
    if (done === part.length && at >= 0) return;
    throw new RangeError(`Cannot write ${vector}: it ends ${part.length - done} elements before`);
  }

  /** SHA-256 (hex) over the bytes of vectors in order. They must not change meanwhile. */
  async hash(vectors: readonly string[]): Promise<string> {
    const hash = createHash("sha256");
    for (const slice of vectors.flatMap((vector) => this.#slices(vector))) {
      hash.update(bytesOf(await this.#memory.read([slice])));
    }
    return hash.digest("hex");
  }

  /** Sets one element, counted over all buckets, to NaN. */
  poison(vector: string, element: number): void {
    this.#write(vector, this.#find(vector, element), Float32Array.of(NaN));
  }

  /** XORs `flipBits` into the bits of one element, counted over all buckets. */
  async damage(vector: string, element: number, flipBits: number): Promise<void> {
    const { slot, offset } = this.#find(vector, element);
    const value = await this.#memory.read([{ slot, offset, length: 1 }]);
    const bits = new Uint32Array(value.buffer, value.byteOffset, 1);
    bits[0] = (bits[0] as number) ^ flipBits;
    this.#write(vector, { slot, offset }, value);
  }

  #write(
    vector: string,
    { slot, offset }: { readonly slot: string; readonly offset: number },
    data: Float32Array,
  ): void {
    this.#versions.set(vector, this.version(vector) + 1);
    this.#memory.write(slot, data, offset);
  }

  #slices(vector: string): SlotSlice[] {
    const slices: SlotSlice[] = [];
    for (const { bucket, length: size } of vectorBuckets(this.#layout, vector)) {
      for (let offset = 0; offset < size; offset += this.#chunk) {
        const length = Math.min(this.#chunk, size - offset);
        slices.push({ slot: bucketSlot(vector, bucket), offset, length });
      }
    }
    return slices;
  }

  #find(vector: string, element: number): { slot: string; offset: number } {
    let offset = Number.isInteger(element) ? element : -1;
    for (const { bucket, length } of vectorBuckets(this.#layout, vector)) {
      if (offset >= 0 && offset < length) return { slot: bucketSlot(vector, bucket), offset };
      offset -= length;
    }
    const last = vectorLength(this.#layout, vector) - 1;
    throw new RangeError(
      `Cannot damage ${vector}: needs an element from 0 to ${last}: ${element}`,
    );
  }
}
