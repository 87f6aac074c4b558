/**
 * What all micro-batches carry, on the host of every worker: losing a worker loses none of it, and
 * any of them can take over any micro-batch. Those of the own ones stand on the device.
 */
import type { Quorum } from "./quorum.ts";
import type { Replica } from "../../src/engine/replica.ts";

/** Carried states of all micro-batches, in order; empty for models that carry none. */
export class CarriedReplica {
  readonly #model: Replica;
  #kept: Float32Array;
  /** The same after the step that is under way. */
  #next: Float32Array;

  constructor(model: Replica, microBatches: number) {
    this.#model = model;
    this.#kept = new Float32Array(microBatches * model.laneSize);
    this.#next = new Float32Array(this.#kept.length);
  }

  /** All states as the last committed step left them. */
  get kept(): Float32Array {
    return this.#kept;
  }

  /** Brings the own states here from the device. */
  async readBack({ indices, range: { first } }: Quorum): Promise<void> {
    const { laneSize } = this.#model;
    if (laneSize === 0) return;
    this.#kept.set(await this.#model.readLanes(indices), first * laneSize);
  }

  /** Takes the own states of a formation to the device. */
  place({ indices, range: { first, count } }: Quorum): void {
    const { laneSize } = this.#model;
    if (laneSize === 0) return;
    const own = this.#kept.subarray(first * laneSize, (first + count) * laneSize);
    this.#model.writeLanes(indices, own);
  }

  /** Gathers what the step under way left; alone there is nothing to gather. */
  async gather(step: number, { gatherer, indices, range: { first } }: Quorum): Promise<void> {
    if (gatherer === undefined) return;
    this.#next.set(await this.#model.nextLanes(indices), first * this.#model.laneSize);
    await gatherer.gather(step, this.#next);
  }

  /** The step under way counts. */
  swap(): void {
    [this.#kept, this.#next] = [this.#next, this.#kept];
  }

  /** Replaces what one micro-batch carries, here and on the device. */
  set(index: number, data: Float32Array): void {
    this.#kept.set(data, index * this.#model.laneSize);
    this.#model.writeLanes([index], data);
  }

  clear(): void {
    this.#kept.fill(0);
  }
}
