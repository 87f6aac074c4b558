/**
 * The carried states of all micro-batches, replicated on the host of every worker: no state is lost
 * with a worker, and any worker can take over any micro-batch. The own ones are also on the device.
 */
import type { Quorum } from "./quorum.ts";
import type { Replica } from "../../src/engine/replica.ts";

/** Carried states of all micro-batches, in order; empty for models without any. */
export class CarriedReplica {
  readonly #model: Replica;
  #kept: Float32Array;
  /** The states after the step that is under way. */
  #next: Float32Array;

  constructor(model: Replica, microBatches: number) {
    this.#model = model;
    this.#kept = new Float32Array(microBatches * model.laneSize);
    this.#next = new Float32Array(this.#kept.length);
  }

  /** All states after the last committed step. */
  get kept(): Float32Array {
    return this.#kept;
  }

  /** Copies the own states from the device to the host. */
  async readBack({ indices, range: { first } }: Quorum): Promise<void> {
    const { laneSize } = this.#model;
    if (laneSize === 0) return;
    this.#kept.set(await this.#model.readLanes(indices), first * laneSize);
  }

  /** Copies the own states of a quorum to the device. */
  place({ indices, range: { first, count } }: Quorum): void {
    const { laneSize } = this.#model;
    if (laneSize === 0) return;
    const own = this.#kept.subarray(first * laneSize, (first + count) * laneSize);
    this.#model.writeLanes(indices, own);
  }

  /** All-gathers the states after the step under way; a worker alone has nothing to gather. */
  async gather(step: number, { gatherer, indices, range: { first } }: Quorum): Promise<void> {
    if (gatherer === undefined) return;
    this.#next.set(await this.#model.nextLanes(indices), first * this.#model.laneSize);
    await gatherer.gather(step, this.#next);
  }

  /** Commits the step under way: its states become the current ones. */
  swap(): void {
    [this.#kept, this.#next] = [this.#next, this.#kept];
  }

  /** Replaces the state of one micro-batch, on the host and on the device. */
  set(index: number, data: Float32Array): void {
    this.#kept.set(data, index * this.#model.laneSize);
    this.#model.writeLanes([index], data);
  }

  clear(): void {
    this.#kept.fill(0);
  }
}
