/**
 * Uploads batches, and the carried states that they start from, to the slots that programs read.
 */
import type { Batch } from "../data/source.ts";
import type { Memory } from "../device/types.ts";
import { CARRIED } from "./plans.ts";

/** A carried state of one micro-batch: its name and number of elements. */
export interface CarrySize {
  readonly name: string;
  readonly size: number;
}

/** The slot of a carried state, by its name. */
export type SlotOfState = (name: string) => string;

/** Uploads the inputs of programs over one memory. */
export class BatchUpload {
  readonly memory: Memory;
  readonly carries: readonly CarrySize[];
  /** The batch whose inputs are in the slots but that has not been used yet. */
  #staged: Batch | undefined;

  constructor(memory: Memory, carries: readonly CarrySize[]) {
    this.memory = memory;
    this.carries = carries;
  }

  /**
   * Uploads a batch and copies its carried states; those of fresh windows are zero. The inputs of a
   * staged batch are not written again.
   */
  write(batch: Batch, slotOf: SlotOfState): void {
    this.stage(batch);
    this.#staged = undefined;
    const { fresh } = batch;
    for (const { name, size } of this.carries) {
      if (fresh === true) {
        this.memory.write(name, new Float32Array(size));
        continue;
      }
      this.memory.copy(slotOf(name), name, size);
      if (fresh === false) continue;
      const zeros = new Float32Array(size / fresh.length);
      fresh.forEach((begins, b) => {
        if (begins) this.memory.write(name, zeros, b * zeros.length);
      });
    }
  }

  /**
   * Uploads the inputs of a batch ahead of time, without its carried states, which depend on the
   * previous batch. Programs that are queued already read the earlier inputs.
   */
  stage(batch: Batch): void {
    if (this.#staged === batch) return;
    for (const [name, data] of Object.entries(batch.tensors)) {
      // Plans have no slot for a tensor that the model does not read.
      this.memory.ensure(name, data.length);
      this.memory.write(name, data);
    }
    this.#staged = batch;
  }

  /** Saves the carried states after a batch. */
  saveCarried(slotOf: SlotOfState): void {
    for (const { name, size } of this.carries) this.memory.copy(CARRIED + name, slotOf(name), size);
  }
}

/** The slot of a program's output state, from which the next batch of a sequence continues. */
export function carriedSlot(name: string): string {
  return CARRIED + name;
}
