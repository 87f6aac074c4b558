/**
 * States that micro-batches carry from step to step, each twice: the one that the committed step
 * left, and the one that the step under way computes. A step that is thrown away so leaves no
 * trace, and one that is computed again begins where it began. It knows no step and no model.
 */
import type { Memory } from "../device/types.ts";
import type { CarrySize } from "./batch_upload.ts";

/** Lane states on a device. */
export class Lanes {
  /** Elements of one micro-batch over all carried states. */
  readonly size: number;
  readonly #memory: Memory;
  readonly #carries: readonly CarrySize[];
  /** Which of its two slots holds a micro-batch's kept states. */
  readonly #kept: Uint8Array;
  /** Micro-batches whose next states are there. */
  readonly #computed = new Set<number>();

  constructor(
    memory: Memory,
    { carries, microBatches }: { carries: readonly CarrySize[]; microBatches: number },
  ) {
    this.#memory = memory;
    this.#carries = carries;
    this.#kept = new Uint8Array(microBatches);
    this.size = carries.reduce((sum, { size }) => sum + size, 0);
  }

  /** Makes all slots, zero at first. */
  open(): void {
    this.#kept.forEach((_, index) => {
      for (const { name, size } of this.#carries) {
        for (const half of [0, 1]) this.#memory.ensure(slotOf(index, half, name), size);
      }
    });
  }

  /** Slot of a kept state. */
  current(index: number, name: string): string {
    return slotOf(index, this.#half(index), name);
  }

  /** Slot of a state that the step under way computes. */
  next(index: number, name: string): string {
    return slotOf(index, 1 - this.#half(index), name);
  }

  /** Notes that a micro-batch's next states are computed. */
  markComputed(index: number): void {
    this.#computed.add(index);
  }

  /** Makes the next states the kept ones, where they were computed; nothing is copied. */
  swap(): void {
    for (const index of this.#computed) this.#kept[index] = 1 - this.#half(index);
    this.#computed.clear();
  }

  /** Drops the next states. */
  discardNext(): void {
    this.#computed.clear();
  }

  /** Kept states of micro-batches, one behind the other; within one in the order of the carries. */
  read(indices: readonly number[]): Promise<Float32Array> {
    return this.#read(indices, (index, name) => this.current(index, name));
  }

  /** The same of next states. @throws {RangeError} where they were not computed. */
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

  /** Replaces kept states, and drops what was computed from those before. */
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
    const half = this.#kept[index];
    if (half !== undefined) return half;
    throw new RangeError(
      `Cannot find states: needs a micro-batch below ${this.#kept.length}: ${index}`,
    );
  }
}

function slotOf(index: number, half: number, name: string): string {
  return `lane${index}.${half}/${name}`;
}
