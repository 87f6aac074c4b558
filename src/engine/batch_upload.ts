/**
 * Brings batches, and the states that they go on from, to where programs read them. It knows slots,
 * and nothing of steps or of who keeps states.
 */
import type { Batch } from "../data/source.ts";
import type { Memory } from "../device/types.ts";
import { CARRIED, STARTS } from "./plans.ts";

/** A carried state of one micro-batch: its name, and its elements. */
export interface CarrySize {
  readonly name: string;
  readonly size: number;
}

/** Where a carried state is kept, by its name. */
export type SlotOfState = (name: string) => string;

/** The way into and out of programs over one memory. */
export class BatchUpload {
  readonly memory: Memory;
  readonly carries: readonly CarrySize[];
  /** The batch that stands in the slots and has not been brought yet. */
  #there: Batch | undefined;

  constructor(memory: Memory, carries: readonly CarrySize[]) {
    this.memory = memory;
    this.carries = carries;
  }

  /**
   * Brings a batch and its states; those of windows that begin anew are zero. Nothing of a batch
   * that was handed over last is written again.
   */
  upload(batch: Batch, keptIn: SlotOfState): void {
    this.stage(batch);
    this.#there = undefined;
    const { fresh } = batch;
    for (const { name, size } of this.carries) {
      if (fresh === true) {
        this.memory.write(name, new Float32Array(size));
        continue;
      }
      this.memory.copy(keptIn(name), name, size);
      if (fresh === false) continue;
      const zeros = new Float32Array(size / fresh.length);
      fresh.forEach((begins, b) => {
        if (begins) this.memory.write(name, zeros, b * zeros.length);
      });
    }
  }

  /**
   * Brings what of a batch does not depend on what runs before it. Programs that are queued read
   * what was there when they were.
   */
  stage(batch: Batch): void {
    if (this.#there === batch) return;
    const { inputs, targets, starts } = batch;
    this.memory.write("inputs", inputs);
    this.memory.write("targets", targets);
    if (starts !== undefined) {
      // Models that attend to nothing have no slot for them.
      this.memory.ensure(STARTS, starts.length);
      this.memory.write(STARTS, starts);
    }
    this.#there = batch;
  }

  /** Keeps the states that a batch has left. */
  saveCarried(keptIn: SlotOfState): void {
    for (const { name, size } of this.carries) this.memory.copy(CARRIED + name, keptIn(name), size);
  }
}

/** Where a sequence's own states stay from batch to batch: where the program leaves them. */
export function carriedSlot(name: string): string {
  return CARRIED + name;
}
