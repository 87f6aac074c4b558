/**
 * Reads, writes and hashes the flat vectors of a replica.
 */
import { createHash } from "node:crypto";
import { bytesOf } from "../base/hash.ts";
import type { Memory, SlotSlice } from "../device/types.ts";
import { bucketParts, bucketSlot, vectorBuckets, vectorLength } from "../plan/layout.ts";
import type { BucketPart, Layout } from "../plan/layout.ts";
import { cutSlice, type Slice } from "../reduce/slices.ts";
import type { StagedPart } from "./piecewise/piecewise.ts";

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
    const parts = bucketParts(this.#layout, vector, { start: at, end: at + part.length });
    const there = parts.reduce((sum, { length }) => sum + length, 0);
    if (at < 0 || there !== part.length) {
      throw new RangeError(`Cannot write ${vector}: it has ${there} of ${part.length} elements`);
    }
    let done = 0;
    for (const { bucket, offset, length } of parts) {
      const data = part.subarray(done, done += length);
      this.#write(vector, { slot: bucketSlot(vector, bucket), offset }, data);
    }
  }

  /** Copies elements of a vector aside, as parts of `flat`, which has all of the vector. */
  stage(vector: string, slice: Slice, flat: Float32Array): StagedPart[] {
    let at = slice.start;
    return this.#cut(vector, bucketParts(this.#layout, vector, slice)).map((each) => {
      const into = flat.subarray(at, at += each.length);
      return { staged: this.#memory.stage([each]), into };
    });
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
    const whole = { start: 0, end: vectorLength(this.#layout, vector) };
    return this.#cut(vector, bucketParts(this.#layout, vector, whole));
  }

  /** Slices that an adapter can map. */
  #cut(vector: string, parts: readonly BucketPart[]): SlotSlice[] {
    return parts.flatMap(({ bucket, offset, length }) =>
      cutSlice({ start: offset, end: offset + length }, this.#chunk).map(({ start, end }) => ({
        slot: bucketSlot(vector, bucket),
        offset: start,
        length: end - start,
      }))
    );
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
