/**
 * Carried states of the micro-batches (truncated BPTT), double-buffered: the state after the last
 * committed step, and the one that the current step computes. A discarded step has no effect, and a
 * recomputed one starts from the same state.
 */
import type { Memory } from "../device/types.ts";
import type { CarrySize } from "./batch_upload.ts";

/** Carried states on a device. */
export class Lanes {
  /** Elements per micro-batch, over all carried states. */
  readonly size: number;
  readonly #memory: Memory;
  readonly #carries: readonly CarrySize[];
  /** Which half of the double buffer has a micro-batch's committed state. */
  readonly #halves: Uint8Array;
  /** Micro-batches whose next states are computed. */
  readonly #computed = new Set<number>();

  constructor(
    memory: Memory,
    { carries, microBatches }: { carries: readonly CarrySize[]; microBatches: number },
  ) {
    this.#memory = memory;
    this.#carries = carries;
    this.#halves = new Uint8Array(microBatches);
    this.size = carries.reduce((sum, { size }) => sum + size, 0);
  }

  /** Allocates all slots, initially zero. */
  open(): void {
    this.#halves.forEach((_, index) => {
      for (const { name, size } of this.#carries) {
        for (const half of [0, 1]) this.#memory.ensure(slotOf(index, half, name), size);
      }
    });
  }

  /** Slot of a committed state. */
  current(index: number, name: string): string {
    return slotOf(index, this.#half(index), name);
  }

  /** Slot of a state that the current step computes. */
  next(index: number, name: string): string {
    return slotOf(index, 1 - this.#half(index), name);
  }

  /** Marks a micro-batch's next states as computed. */
  markComputed(index: number): void {
    this.#computed.add(index);
  }

  /** Commits the computed next states by swapping buffers. */
  swap(): void {
    for (const index of this.#computed) this.#halves[index] = 1 - this.#half(index);
    this.#computed.clear();
  }

  /** Discards the next states. */
  discardNext(): void {
    this.#computed.clear();
  }

  /** Committed states of micro-batches, concatenated; within one, in the order of the carries. */
  read(indices: readonly number[]): Promise<Float32Array> {
    return this.#read(indices, (index, name) => this.current(index, name));
  }

  /** The same for next states. @throws {RangeError} if they were not computed. */
  readNext(indices: readonly number[]): Promise<Float32Array> {
    for (const index of indices) {
      if (!this.#computed.has(index)) {
        throw new RangeError(
          `Cannot read next states: needs a micro-batch that was computed: ${index}`,
        );
      }
    }
    return this.#read(indices, (index, name) => this.next(index, name));
  }

  /** Replaces committed states, and discards next states computed from the old ones. */
  write(indices: readonly number[], data: Float32Array): void {
    if (data.length !== indices.length * this.size) {
      throw new RangeError(
        `Cannot write states of ${indices.length} micro-batches: needs ` +
          `${indices.length * this.size} elements: ${data.length}`,
      );
    }
    let at = 0;
    for (const index of indices) {
      for (const { name, size } of this.#carries) {
        this.#memory.write(this.current(index, name), data.subarray(at, at + size));
        at += size;
      }
      this.#computed.delete(index);
    }
  }

  async #read(
    indices: readonly number[],
    slot: (index: number, name: string) => string,
  ): Promise<Float32Array> {
    if (indices.length * this.size === 0) return new Float32Array();
    return await this.#memory.read(
      indices.flatMap((index) =>
        this.#carries.map(({ name, size }) => ({
          slot: slot(index, name),
          offset: 0,
          length: size,
        }))
      ),
    );
  }

  #half(index: number): number {
    const half = this.#halves[index];
    if (half !== undefined) return half;
    throw new RangeError(
      `Cannot find states: needs a micro-batch below ${this.#halves.length}: ${index}`,
    );
  }
}

function slotOf(index: number, half: number, name: string): string {
  return `lane${index}.${half}/${name}`;
}
